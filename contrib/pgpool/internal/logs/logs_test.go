package logs

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// noon is one on the clock of a zone that is not UTC's.
func noon() *clock {
	return &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("here", 5*3600+1800))}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func names(t *testing.T, dir string) (all []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func open(t *testing.T, s Files, c *clock) *file {
	t.Helper()
	f, err := newFile(s, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.close() })
	return f
}

func TestFileByAge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	c := noon()
	s := Files{Directory: dir, Name: "pgpool-%Y-%m-%d.log", Mode: 0o640, Truncate: true, Age: 24 * time.Hour, Size: 10}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pgpool-2026-11-23.log", "pgpool-2026-11-24.log"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, s, c)
	f.line("a start goes on in the file")
	c.t = c.t.Add(12*time.Hour - time.Second)
	f.line("before midnight, though it is too large")
	c.t = c.t.Add(time.Second)
	f.line("at midnight here")
	c.t = c.t.Add(49 * time.Hour)
	f.line("two days later")
	for name, want := range map[string]string{
		"pgpool-2026-11-23.log": "old\na start goes on in the file\nbefore midnight, though it is too large\n",
		"pgpool-2026-11-24.log": "at midnight here\n",
		"pgpool-2026-11-26.log": "two days later\n",
	} {
		if got := read(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %q, wanted %q", name, got, want)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "pgpool-2026-11-26.log")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFileBySize(t *testing.T) {
	c := noon()
	dir := t.TempDir()
	f := open(t, Files{Directory: dir, Name: "pgpool-%H%M%S.log", Mode: 0o600, Truncate: true, Size: 8}, c)
	for _, line := range []string{"1234567", "next", "more"} {
		f.line(line)
		c.t = c.t.Add(time.Second)
	}
	if got := names(t, dir); len(got) != 2 || read(t, filepath.Join(dir, got[0])) != "1234567\n" || read(t, filepath.Join(dir, got[1])) != "next\nmore\n" {
		t.Errorf("files %v", got)
	}
}

// A new file that cannot be made does not end the log.
func TestFileGoesOn(t *testing.T) {
	c := noon()
	dir := t.TempDir()
	f := open(t, Files{Directory: dir, Name: "%H/pgpool.log", Mode: 0o600, Age: time.Hour}, func() *clock {
		if err := os.Mkdir(filepath.Join(dir, "12"), 0o700); err != nil {
			t.Fatal(err)
		}
		return c
	}())
	f.line("first")
	c.t = c.t.Add(time.Hour)
	f.line("second")
	f.line("third")
	got := read(t, filepath.Join(dir, "12/pgpool.log"))
	if !strings.HasPrefix(got, "first\npgpool: error: the log goes on in this file: log_filename: ") || !strings.HasSuffix(got, "\nsecond\nthird\n") {
		t.Errorf("%q", got)
	}
	if err := os.Mkdir(filepath.Join(dir, "13"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(retry)
	f.line("fourth")
	if got := read(t, filepath.Join(dir, "13/pgpool.log")); got != "fourth\n" {
		t.Errorf("%q", got)
	}
}

func TestBoundary(t *testing.T) {
	here := noon().t
	for age, want := range map[time.Duration]string{
		24 * time.Hour:   "2026-11-23T00:00:00+05:30",
		time.Hour:        "2026-11-23T12:00:00+05:30",
		168 * time.Hour:  "2026-11-23T00:00:00+05:30", // a Monday
		30 * time.Minute: "2026-11-23T12:00:00+05:30",
	} {
		if got := boundary(here, age).Format(time.RFC3339); got != want {
			t.Errorf("%v: %s, wanted %s", age, got, want)
		}
	}
}

var router = Source{"pgrouter", 12}

func TestLogToFiles(t *testing.T) {
	c, dir := noon(), t.TempDir()
	var stderr bytes.Buffer
	s := Settings{Stderr: true, Collector: true, Files: Files{Directory: dir, Name: "log", Mode: 0o600}}
	l, err := Open(s, &stderr, c.now)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(l.Writer(router), "level=info msg=fine")
	fmt.Fprintln(l.Writer(router), "pgrouter: error: port = many")
	l.Started()
	fmt.Fprintln(l.Writer(router), "pgrouter: error: later")
	if want := "pgrouter[12]: pgrouter: error: port = many\n"; stderr.String() != want {
		t.Errorf("the terminal has %q", stderr.String())
	}
	path := filepath.Join(dir, "log")
	if l.File() != path {
		t.Errorf("the file is %s", l.File())
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Rotate(); err != nil {
		t.Error(err)
	}
	fmt.Fprintln(l.Writer(router), `{"level":"info"}`)
	s.Files.Name = "other"
	s.Collector = false // which needs a restart
	if err := l.Reload(s); err != nil {
		t.Error(err)
	}
	fmt.Fprintln(l.Writer(router), "reloaded")
	s.Files.Directory = path
	if err := l.Reload(s); err == nil {
		t.Error("a file is taken for a folder")
	}
	fmt.Fprintln(l.Writer(router), "still there")
	l.Close()
	for name, want := range map[string]string{
		"log.1": "pgrouter[12]: level=info msg=fine\npgrouter[12]: pgrouter: error: port = many\npgrouter[12]: pgrouter: error: later\n",
		"log":   `{"tool":"pgrouter","pid":12,"level":"info"}` + "\n",
		"other": "pgrouter[12]: reloaded\npgrouter[12]: still there\n",
	} {
		if got := read(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A program that a part leaves behind, and that has its standard error, does not keep the log from closing.
func TestTake(t *testing.T) {
	var stderr bytes.Buffer
	l, err := Open(Settings{Stderr: true}, &stderr, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Rotate(); !errors.Is(err, ErrNoCollector) {
		t.Errorf("rotate: %v", err)
	}
	for _, text := range []string{"one\n\ntwo", "held open\n"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		w.WriteString(text)
		if text != "held open\n" {
			w.Close()
		}
		l.Take(Source{"pgwatch", 1}, r)
	}
	l.Close()
	got := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(got) != 3 {
		t.Errorf("lines %q", got)
	}
	for _, want := range []string{"pgwatch[1]: one", "pgwatch[1]: two", "pgwatch[1]: held open"} {
		if !strings.Contains(stderr.String(), want+"\n") {
			t.Errorf("no line %q in %q", want, got)
		}
	}
}

func TestLongLines(t *testing.T) {
	var got []int
	lines(strings.NewReader(strings.Repeat("x", 3*maxLine/2)+"\nend"), func(line []byte) { got = append(got, len(line)) })
	if len(got) != 3 || got[0] != maxLine || got[1] != maxLine/2 || got[2] != 3 {
		t.Errorf("lines of %v bytes", got)
	}
}

// full is a disk without room.
type full struct {
	bytes.Buffer
	is bool
}

func (f *full) Write(b []byte) (int, error) {
	if f.is {
		return 0, errors.New("no space left on device")
	}
	return f.Buffer.Write(b)
}

func (f *full) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

func TestLostLinesAreCounted(t *testing.T) {
	disk := &full{is: true}
	l, err := Open(Settings{Stderr: true}, disk, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fmt.Fprintln(l.Writer(router), "one")
	fmt.Fprintln(l.Writer(router), "two")
	disk.is = false
	fmt.Fprintln(l.Writer(router), "three")
	fmt.Fprintln(l.Writer(router), "four")
	want := "pgpool: error: 2 lines of the log are lost: no space left on device\npgrouter[12]: three\npgrouter[12]: four\n"
	if disk.String() != want {
		t.Errorf("%q, wanted %q", disk.String(), want)
	}
}

func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := &system{network: "unixgram", address: path, facility: facilities["LOCAL3"], ident: "pgpool"}
	defer s.close()
	if err := s.line(slog.LevelInfo, "nobody listens"); err == nil {
		t.Error("no error without a syslog")
	}
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for level, number := range map[slog.Level]int{slog.LevelDebug: 7, slog.LevelInfo: 6, slog.LevelWarn: 4, slog.LevelError: 3} {
		if err := s.line(level, "pgrouter[12]: words"); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1024)
		n, err := listener.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		got := string(text[:n])
		if !strings.HasPrefix(got, fmt.Sprintf("<%d>", 19*8+number)) || !strings.Contains(got, fmt.Sprintf("pgpool[%d]: pgrouter[12]: words", os.Getpid())) {
			t.Errorf("%v: %q", level, got)
		}
	}
}

func TestSeverity(t *testing.T) {
	for line, want := range map[string]slog.Level{
		"time=1 level=info msg=x":         slog.LevelInfo,
		"time=1 level=debug msg=x":        slog.LevelDebug,
		`{"time":"1","level":"error"}`:    slog.LevelError,
		"pgrouter: error: port = many":    slog.LevelError,
		"panic: runtime error":            slog.LevelWarn,
		"time=1 level=warn msg=x err=bad": slog.LevelWarn,
	} {
		if got := severity([]byte(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// Every value that the configuration takes has a meaning here.
func TestRead(t *testing.T) {
	c := config.Default()
	if s := Read(c); !s.Stderr || s.Syslog || s.Collector || s.Files.Age != 24*time.Hour || s.Files.Size != 10<<20 || s.Files.Mode != 0o600 {
		t.Errorf("defaults %+v", s)
	}
	for name := range facilities {
		if err := c.Set("syslog_facility", name); err != nil {
			t.Error(err)
		}
		if facilities[Read(c).Facility] == 0 {
			t.Errorf("%s has no number", name)
		}
	}
	if err := c.Set("log_destination", "stderr,syslog"); err != nil {
		t.Fatal(err)
	}
	if s := Read(c); !s.Stderr || !s.Syslog {
		t.Errorf("both: %+v", s)
	}
}
