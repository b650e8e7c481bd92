package host

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/ssh/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hosts runs a test on this host and over SSH.
func hosts(t *testing.T, test func(t *testing.T, h Host, dir string)) {
	s := sshtest.Start(t)
	for name, open := range map[string]func(data string) (Host, error){
		"local": Local,
		"ssh":   func(data string) (Host, error) { return Remote(t.Context(), s.Target("postgres"), data) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			h, err := open(filepath.Join(dir, "data"))
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			test(t, h, dir)
		})
	}
}

// folder belongs to postgres.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "host")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if out, err := exec.Command("chown", "postgres:", dir).CombinedOutput(); err != nil {
		t.Skipf("there is no user postgres, or this is not root: %s", out)
	}
	return dir
}

func TestRun(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		odd := `a'b "c" $HOME ` + "`id`" + ` \ * é ! ;`
		out, err := Output(t.Context(), h, "printf", "%s|", odd, "", "-n")
		if err != nil || out != odd+"||-n|" {
			t.Errorf("%q, %v", out, err)
		}
		if out, err := Output(t.Context(), h, "id", "-un"); err != nil || out != "postgres" {
			t.Errorf("it runs as %q, %v", out, err)
		}
		var b strings.Builder
		err = h.Run(t.Context(), Cmd{Args: Shell(`echo "$PGPASSWORD|$A|$LC_ALL|$HOME"; pwd; cat`), Env: []string{"A=x y"}, Password: "it's", Stdout: &b})
		if want := "it's|x y|C|/var/lib/postgresql\n/\n"; err != nil || b.String() != want {
			t.Errorf("%q, want %q, %v", b.String(), want, err)
		}
		b.Reset()
		err = h.Run(t.Context(), Cmd{Args: []string{"cat"}, Stdin: strings.NewReader("in\nput"), Stdout: &b})
		if err != nil || b.String() != "in\nput" {
			t.Errorf("%q, %v", b.String(), err)
		}
		var lines []string
		err = h.Run(t.Context(), Cmd{Args: Shell(`echo 10% >&2; echo broken >&2; exit 9`), Progress: func(l string) bool { lines = append(lines, l); return l == "10%" }})
		if Status(err) != 9 || !strings.Contains(err.Error(), "broken") || strings.HasSuffix(err.Error(), "10%") || len(lines) != 2 {
			t.Errorf("%v, lines %q", err, lines)
		}
		if err := h.Run(t.Context(), Cmd{Args: []string{"/nonexistent/program"}}); Status(err) != 127 {
			t.Errorf("a program that is not there: %v", err)
		}
	})
}

// Root becomes the owner, and somebody else tries to by sudo.
func TestOwner(t *testing.T) {
	s := sshtest.Start(t)
	data := filepath.Join(folder(t), "data")
	h, err := Remote(t.Context(), s.Target("root"), data)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if out, err := Output(t.Context(), h, "sh", "-c", "id -un; id -gn; echo $HOME $0", "it's"); err != nil || out != "postgres\npostgres\n/var/lib/postgresql it's" {
		t.Errorf("%q, %v", out, err)
	}
	if h, err := Remote(t.Context(), s.Target("daemon"), data); err == nil {
		h.Close()
		t.Error("daemon is let in")
	}
	if _, err := Remote(t.Context(), s.Target("postgres"), "data"); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("a relative path: %v", err)
	}
}

// A program ends with the context of its caller, and leaves no process.
func TestProgramsEnd(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		ctx, cancel := context.WithCancelCause(t.Context())
		mark := filepath.Join(dir, "ended")
		w := &firstLine{seen: make(chan struct{})}
		ended := make(chan error, 1)
		go func() {
			ended <- h.Run(ctx, Cmd{Args: Shell(`trap 'echo $? >"$1"; exit 1' TERM; echo; while :; do sleep 0.05; done`, mark), Stdout: w})
		}()
		<-w.seen
		why := errors.New("enough")
		cancel(why)
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
		if there, err := Exists(t.Context(), h, mark); err != nil || !there {
			t.Errorf("it was not told to end: %v", err)
		}
	})
}

func TestFiles(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		ctx := t.Context()
		path := filepath.Join(dir, "a b'c")
		if _, err := ReadFile(ctx, h, path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that is not there: %v", err)
		}
		data := bytes.Repeat([]byte("\x00\n'ü"), 50000)
		if err := WriteFile(ctx, h, path, data, 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(ctx, h, path)
		info, statErr := os.Stat(path)
		if err != nil || !bytes.Equal(got, data) || statErr != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%d bytes, mode %v, %v", len(got), info, errors.Join(err, statErr))
		}
		if err := Rename(ctx, h, path, dir); err == nil || !strings.Contains(err.Error(), "there is a") {
			t.Errorf("renamed over a directory: %v", err)
		}
		if err := Rename(ctx, h, path, path+"2"); err != nil {
			t.Error(err)
		}
		for p, want := range map[string]bool{path: false, path + "2": true} {
			if is, err := Exists(ctx, h, p); err != nil || is != want {
				t.Errorf("%s exists: %v, %v", p, is, err)
			}
		}
		sub := filepath.Join(dir, "x", "y")
		if err := MakeDirectory(ctx, h, sub, 0o700); err != nil {
			t.Fatal(err)
		}
		if empty, err := IsEmpty(ctx, h, sub); err != nil || !empty {
			t.Errorf("empty: %v, %v", empty, err)
		}
		if empty, err := IsEmpty(ctx, h, dir); err != nil || empty {
			t.Errorf("empty: %v, %v", empty, err)
		}
		if err := os.Symlink("/nowhere", filepath.Join(sub, "link")); err != nil {
			t.Fatal(err)
		}
		if l, err := Links(ctx, h, sub); err != nil || len(l) != 1 || l["link"] != "/nowhere" {
			t.Errorf("links %v, %v", l, err)
		}
		if s, err := Free(ctx, h, dir); err != nil || s.Free == 0 || s.Mount == "" {
			t.Errorf("%+v, %v", s, err)
		}
		if n, err := Usage(ctx, h, dir); err != nil || n < uint64(len(data)) {
			t.Errorf("usage %d, %v", n, err)
		}
		if err := Remove(ctx, h, path+"2"); err != nil {
			t.Error(err)
		}
		for _, p := range []string{"", "/", "/tmp", "/tmp/", "tmp/x/y"} {
			if err := Remove(ctx, h, p); err == nil {
				t.Errorf("it would remove %q", p)
			}
		}
	})
}

func TestBusy(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		data := filepath.Join(dir, "data")
		if got, err := Busy(t.Context(), h, data); got != "" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		cmd := exec.Command("tail", "-f", "/dev/null", "--", data+"/base")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		if got, err := Busy(t.Context(), h, data); !strings.Contains(got, "tail -f /dev/null") || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := Busy(t.Context(), h, dir+"/dat"); got != "" || err != nil {
			t.Errorf("another directory: %q, %v", got, err)
		}
	})
}

func TestLock(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		data := filepath.Join(dir, "data")
		if err := MakeDirectory(t.Context(), h, data, 0o700); err != nil {
			t.Fatal(err)
		}
		lost, release, err := Lock(t.Context(), h, data)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Lock(t.Context(), h, data); err == nil || !strings.Contains(err.Error(), "another pgrecover works on it") {
			t.Errorf("the second lock: %v", err)
		}
		if lost.Err() != nil {
			t.Error("it is lost")
		}
		job, end := context.WithCancel(t.Context())
		w := &firstLine{seen: make(chan struct{})}
		ended := make(chan error, 1)
		go func() { ended <- h.Run(job, Cmd{Args: Job(data, "sh", "-c", "echo; exec sleep 600"), Stdout: w}) }()
		<-w.seen
		release()
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, _, err := Lock(short, h, data); err == nil {
			t.Error("it did not wait for the job")
		}
		end()
		<-ended
		_, release, err = Lock(t.Context(), h, data)
		if err != nil {
			t.Fatal(err)
		}
		release()
	})
}
