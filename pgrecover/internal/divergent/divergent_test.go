package divergent

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

const segment = 1 << 20

// wal is that of a node which was promoted itself.
func wal() WAL {
	return WAL{Node: 0, Primary: 1, SegmentSize: segment, From: 5*segment + 100, End: 8*segment + 10,
		History: timeline.History{Timeline: 3, Past: []timeline.Switch{{Timeline: 1, End: 2 * segment}, {Timeline: 2, End: 7*segment + 5}}}}
}

func TestPiecesAndFiles(t *testing.T) {
	w := wal()
	if got, want := w.pieces(), []piece{{2, 5*segment + 100, 7*segment + 5}, {3, 7*segment + 5, 8*segment + 10}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	want := strings.Fields(`000000020000000000000005 000000020000000000000006 000000020000000000000007 00000002.history
		000000030000000000000007 000000030000000000000008 00000003.history`)
	if got := w.files(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// node makes a directory with the WAL of one, in a directory of its own.
func node(t *testing.T, w WAL, base string) host.Server {
	t.Helper()
	data := filepath.Join(base, "data")
	if err := os.MkdirAll(filepath.Join(data, "pg_wal"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range w.files()[1:] { // the first one was recycled
		if err := os.WriteFile(filepath.Join(data, "pg_wal", name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h, err := host.Local(data)
	if err != nil {
		t.Skip(err)
	}
	return host.Server{Host: h, Data: data, Bin: "/nowhere"}
}

// save saves and returns the detail of the step's line.
func save(t *testing.T, s host.Server, w WAL, at time.Time) (detail, error) {
	t.Helper()
	var out bytes.Buffer
	err := Save(t.Context(), &step.Journal{W: &out, Now: func() time.Time { return at }}, s, w)
	var line struct{ Detail detail }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line.Detail, err
}

func TestSave(t *testing.T) {
	t.Parallel()
	w := wal()
	s := node(t, w, open(t))
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	left := s.Data + ".diverged/2-0_500064-19990101T000000Z" // of a run that was interrupted
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(left), 0o777); err != nil {
		t.Fatal(err)
	}
	d, err := save(t, s, w, noon)
	if want := (detail{3*segment - 90, "0/500064", "0/80000A", s.Data + ".diverged/2-0_500064-20261123T120000Z"}); err != nil || d != want {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, name := range w.files()[1:] {
		if text, err := os.ReadFile(filepath.Join(d.Saved, name)); err != nil || string(text) != name {
			t.Errorf("%s, %v", text, err)
		}
	}
	readme, err := os.ReadFile(filepath.Join(d.Saved, "README"))
	for _, want := range []string{"WAL of node 0", "3145638 bytes from 0/500064 to 0/80000A", "recycled before:\n000000020000000000000005\n",
		"pg_waldump -p " + d.Saved + " -t 2 -s 0/500064 -e 0/700005", "-t 3 -s 0/700005 -e 0/80000A"} {
		if err != nil || !strings.Contains(string(readme), want) {
			t.Errorf("%q is not in the README (%v):\n%s", want, err, readme)
		}
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("%s is there still: %v", left, err)
	}

	again, err := save(t, s, w, noon.Add(time.Hour))
	if err != nil || again != d {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	w.End++
	if more, err := save(t, s, w, noon.Add(time.Hour)); err != nil || more.Saved == d.Saved {
		t.Errorf("when there is more: %+v, %v", more, err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	base := open(t)
	if err := syscall.Mount("tmpfs", base, "tmpfs", 0, "size=128k,mode=0777"); err != nil {
		t.Skip("a small file system needs root: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(base, 0); err != nil {
			t.Error(err)
		}
	})
	w := wal()
	s := node(t, w, base)
	name := filepath.Join(s.Data, "pg_wal", w.files()[1])
	if err := os.WriteFile(name, make([]byte, 60<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := save(t, s, w, time.Now()); err == nil || !strings.Contains(err.Error(), "No space left") || !strings.Contains(err.Error(), "nothing was discarded") {
		t.Errorf("%v", err)
	}
	if left, err := filepath.Glob(s.Data + ".diverged/*"); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// open makes a directory in which the user of the server may write.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "divergent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}
