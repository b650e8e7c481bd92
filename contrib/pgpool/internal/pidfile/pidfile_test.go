package pidfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "pgpool.pid")
	if _, err := Find(path); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a file: %v", err)
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	if string(text) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("the file is %q", text)
	}
	if pid, err := Find(path); err != nil || pid != os.Getpid() {
		t.Errorf("found %d, %v", pid, err)
	}
	var running *RunningError
	if _, err := Create(path); !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("a second one: %v", err)
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// A file is stale when nobody holds it, whatever process has its number now, unless that is a Pgpool-II.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	other := exec.Command("sleep", "600")
	pgpool := exec.Command(link(t, dir, "pgpool"), "600")
	zombie := exec.Command(pgpool.Path, "600")
	for _, c := range []*exec.Cmd{other, pgpool, zombie} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { c.Process.Kill(); c.Wait() }()
	}
	for _, c := range []*exec.Cmd{pgpool, zombie} {
		until(t, c.Process.Pid, isPgpool)
	}
	zombie.Process.Kill()
	until(t, zombie.Process.Pid, func(pid int) bool { return !isPgpool(pid) })
	for name, c := range map[string]struct {
		text  string
		alive int
		bad   bool
	}{
		"empty":            {"", 0, false},
		"no process":       {"4194305\n", 0, false},
		"another program":  {fmt.Sprint(other.Process.Pid), 0, false},
		"Pgpool-II":        {fmt.Sprintf("%d\x00", pgpool.Process.Pid), pgpool.Process.Pid, false},
		"ended":            {fmt.Sprint(zombie.Process.Pid), 0, false},
		"not a number":     {"pgpool\n", 0, true},
		"a process group":  {"-1\n", 0, true},
		"longer than that": {"123456789012345678901234567890123456789012345678901234567890123456789\n", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pgpool.pid")
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			pid, err := Find(path)
			if pid != c.alive || c.bad == errors.Is(err, ErrNotRunning) && c.alive == 0 {
				t.Errorf("found %d, %v", pid, err)
			}
			f, err := Create(path)
			var running *RunningError
			switch {
			case c.bad:
				if err == nil || errors.As(err, &running) {
					t.Errorf("took it over: %v", err)
				}
			case c.alive > 0:
				if !errors.As(err, &running) || running.PID != c.alive {
					t.Errorf("took it over: %v", err)
				}
			case err != nil:
				t.Error(err)
			default:
				f.Remove()
			}
		})
	}
}

// link makes sleep known under another name.
func link(t *testing.T, dir, name string) string {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.Symlink(sleep, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// until waits until a child, which nobody has waited for, is what it shall be.
func until(t *testing.T, pid int, is func(pid int) bool) {
	t.Helper()
	for !is(pid) {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}
