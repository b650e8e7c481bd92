package main

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

const (
	lease    = 2 * time.Second
	patience = 30 * time.Second // for what must come
)

var (
	vip4 = netip.MustParseAddr("198.51.100.100")
	vip6 = netip.MustParseAddr("fd00:51::100")
)

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in %v this did not come true: %s", patience, what)
		}
	}
}

// A leader writes the same events to all who follow it, as pgwatch would on each host.
type leader struct {
	mu        sync.Mutex
	followers []*event.Writer
	tick      event.Tick
	stop      chan struct{}
	stopped   sync.WaitGroup
}

// newLeader starts ticking.
func newLeader(t *testing.T) *leader {
	l := &leader{stop: make(chan struct{}), tick: event.Tick{Leader: "a", Quorum: event.QuorumFull}}
	l.stopped.Go(func() {
		for {
			l.mu.Lock()
			l.write(l.tick)
			l.mu.Unlock()
			select {
			case <-l.stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(l.silence)
	return l
}

// silence ends the ticks.
func (l *leader) silence() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.stopped.Wait()
}

func (l *leader) write(d event.Payload) {
	for _, w := range l.followers {
		w.Write(d, event.At{}) // one that has ended takes no more
	}
}

// say writes an event to all.
func (l *leader) say(d event.Payload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(d)
}

// grant lets a node hold the address, by a tick at once and then regularly.
func (l *leader) grant(node string, token uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick.VIP = &event.VIPLease{Holder: node, Token: token, TTLMS: lease.Milliseconds()}
	l.write(l.tick)
}

// follow begins a stream for a node.
func (l *leader) follow(t *testing.T, w io.Writer, node string) {
	t.Helper()
	boot, err := event.BootID()
	if err != nil {
		t.Fatal(err)
	}
	out := event.NewWriter(w, event.Origin{Cluster: "lab", Node: node, Boot: boot}, event.SystemClock)
	l.mu.Lock()
	defer l.mu.Unlock()
	out.Write(event.Hello{VMin: 1, VMax: 1, TickMS: 100, LeaseMS: lease.Milliseconds()}, event.At{})
	out.Write(event.Snapshot{Self: node, Quorum: event.QuorumFull, Map: event.Map{
		Primary: &event.Primary{ID: 0, Epoch: 1, Node: "a", Addr: "198.51.100.1:5432"},
	}}, event.At{})
	l.followers = append(l.followers, out)
}

// A holding is a pgvip hold on a host.
type holding struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *transcript
	words *transcript
	ended chan error
	dir   string
}

// A transcript is what a process has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// events returns the events that a transcript holds.
func (s *transcript) events(t *testing.T) (all []event.Event) {
	t.Helper()
	text := s.String()
	in := event.NewReader(strings.NewReader(text[:strings.LastIndexByte(text, '\n')+1]))
	for {
		e, err := in.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, e)
	}
}

// configure writes a configuration into a folder of its own and returns its name.
func configure(t *testing.T, settings string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgvip") // t.TempDir's names are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "pgpool.conf")
	if !strings.Contains(strings.ToLower(settings), "delegate_ip") {
		settings += "delegate_ip = '" + vip4.String() + "'\n"
	}
	if err := os.WriteFile(file, []byte("run_directory = '"+dir+"'\n"+settings), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // for tests as another user
		t.Fatal(err)
	}
	return file
}

// startHold starts pgvip hold on a host, with events on standard input.
func startHold(t *testing.T, h *nettest.Host, settings string, args ...string) *holding {
	t.Helper()
	return startHoldBy(t, h, settings, nil, args...)
}

// startHoldBy starts it by another program, which is given the command line.
func startHoldBy(t *testing.T, h *nettest.Host, settings string, by []string, args ...string) *holding {
	t.Helper()
	file := configure(t, settings)
	p := &holding{t: t, out: &transcript{}, words: &transcript{}, ended: make(chan error, 1), dir: filepath.Dir(file)}
	line := slices.Concat(by, []string{"pgvip", "hold", "--log-level", "debug", "--config", file}, args)
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.words
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	h.Do(func() { err = p.cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.in.Close()
		select {
		case <-p.ended:
		case <-time.After(patience):
			t.Error("pgvip cannot be ended")
		}
		if t.Failed() {
			t.Logf("pgvip on %s wrote\n%s\nand said\n%s", h.Name, p.out, p.words)
		}
	})
	return p
}

// end waits for the end of the process, and returns its exit status.
func (p *holding) end() int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatal("pgvip does not end")
		return 0
	}
}

func (p *holding) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wrote says whether an event of the type was written, n times at least.
func (p *holding) wrote(kind string, n int) func() bool {
	return func() bool {
		count := 0
		for _, e := range p.out.events(p.t) {
			if e.Type == kind {
				count++
			}
		}
		return count >= n
	}
}

func (p *holding) said(words string) bool { return strings.Contains(p.words.String(), words) }
