package e2e

import (
	"flag"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/recorded"
)

var record = flag.Bool("record", false, "write the recordings of Pgpool-II anew")

// recordings is the folder of the recordings.
const recordings = "../testdata/pgpool-4.3.5"

// TestRecord writes what Pgpool-II and its programs say in all moments.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("it is testdata/record that writes recordings")
	}
	w := newWorld(t)
	w.pgpool()
	for _, m := range moments {
		m.reach(w)
		w.record(m)
	}
}

// forgotten is what Pgpool-II says of a standby that streams in the moments in which it asks whether it does.
const forgotten = " up standby standby 0 none none "

// record asks the questions of a moment and writes the file.
func (w *world) record(m moment) {
	w.t.Helper()
	var all []recorded.Recording
	for _, words := range m.asks {
		r := w.take(words)
		for end := time.Now().Add(patience); strings.Contains(r.Plain.Out, forgotten) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			r = w.take(words)
		}
		all = append(all, r)
	}
	if err := os.MkdirAll(recordings, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(recordings, m.name+".txtar"), recorded.Format(m.about, all), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// take records one run, and a second one with -v that is played what the first one was told.
func (w *world) take(words string) recorded.Recording {
	w.t.Helper()
	r := recorded.Recording{Args: words}
	server := strconv.Itoa(w.pcp)
	r.Plain = w.between(words, nil, func(c net.Conn) {
		s, err := net.Dial("tcp", net.JoinHostPort(w.host, server))
		if err != nil {
			w.t.Error(err)
			c.Close()
			return
		}
		r.Wire = recorded.Relay(c, s)
	})
	r.Verbose = w.between(words, []string{"-v"}, func(c net.Conn) {
		if err := recorded.Play(c, r.Wire); err != nil {
			w.t.Errorf("%s -v: %v", words, err)
		}
	})
	return r
}

// between runs a program against serve, which gets its only connection.
func (w *world) between(words string, more []string, serve func(net.Conn)) recorded.Output {
	w.t.Helper()
	l, err := net.Listen("tcp", w.host+":0")
	if err != nil {
		w.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			w.t.Error(err)
			return
		}
		serve(c)
	}()
	out := w.debian(l.Addr().(*net.TCPAddr).Port, words, more...)
	l.Close()
	<-done
	return out
}
