package part

import (
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// shell starts a script, and returns what it wrote to standard error.
func shell(t *testing.T, script string) (Process, <-chan string) {
	t.Helper()
	return shellIn(t, os.Environ(), script)
}

func shellIn(t *testing.T, env []string, script string) (Process, <-chan string) {
	t.Helper()
	text := make(chan string, 1)
	p, err := Start(Program{Path: "/bin/sh", Args: []string{"-c", script}, Env: env, Log: func(pid int, r *os.File) {
		go func() {
			defer r.Close()
			b, _ := io.ReadAll(r)
			text <- string(b)
		}()
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p, text
}

func TestProcess(t *testing.T) {
	p, text := shell(t, `echo words >&2; echo lost; exit 7`)
	<-p.Done()
	if code, how := p.Status(); code != 7 || how != "exit status 7" {
		t.Errorf("%d, %q", code, how)
	}
	if got := <-text; got != "words\n" {
		t.Errorf("log %q", got)
	}
	p.Signal(syscall.SIGTERM) // of nothing

	p, _ = shell(t, `kill -9 $$`)
	<-p.Done()
	if code, how := p.Status(); code != 137 || how != "killed by signal 9 (killed)" {
		t.Errorf("%d, %q", code, how)
	}
}

func TestProcessTellsWhenItIsReady(t *testing.T) {
	python := `import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to = os.environ["NOTIFY_SOCKET"].replace("@", "\0")
for text in b"STATUS=warming up", b"READY=1\nSTATUS=there", b"READY=1":
    s.sendto(text, to)
time.sleep(600)`
	p, text := shell(t, `exec python3 -c '`+python+`'`)
	select {
	case <-p.Ready():
	case <-p.Done():
		t.Fatal(<-text)
	}
	p.Signal(syscall.SIGTERM)
	<-p.Done()
	if code, _ := p.Status(); code != 128+int(syscall.SIGTERM) {
		t.Error(code)
	}
}

func TestNoSuchProgram(t *testing.T) {
	_, err := Start(Program{Path: "/nonexistent", Log: func(int, *os.File) { t.Error("it has a log") }})
	if err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Error(err)
	}
}

// Each of several programs that start at once tells for itself, though they share an environment.
func TestProcessesShareAnEnvironment(t *testing.T) {
	env := append(os.Environ(), "LAST=1")
	env = append(make([]string, 0, len(env)+8), env...) // with room behind it
	var wait sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 8 {
		wait.Go(func() {
			p, text := shellIn(t, env, `echo "$NOTIFY_SOCKET" >&2`)
			<-p.Done()
			mu.Lock()
			defer mu.Unlock()
			seen[<-text] = true
		})
	}
	wait.Wait()
	if len(seen) != 8 || seen["\n"] {
		t.Errorf("sockets %v", seen)
	}
}
