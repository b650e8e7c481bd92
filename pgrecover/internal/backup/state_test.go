package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// A mortal host dies before a certain command.
type mortal struct {
	host.Host
	left int
}

var errDead = errors.New("dead")

func (m *mortal) Run(ctx context.Context, c host.Cmd) error {
	if m.left == 0 {
		return errDead
	}
	m.left--
	return m.Host.Run(ctx, c)
}

// plain is this host without the guard of host.Local, which costs several processes for each command.
type plain struct{ host.Host }

func (plain) Name() string { return "this host" }

func (plain) Run(ctx context.Context, c host.Cmd) error {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Stdin, cmd.Stdout = c.Stdin, c.Stdout
	err := cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return &host.Error{Host: "this host", Command: c.String(), Status: ended.ExitCode(), Err: err}
	}
	return err
}

// A scene is directories with old and new data.
type scene struct {
	h     host.Host
	dir   string
	state *State
	fresh bool // there is no old data
}

func newScene(t *testing.T, fresh bool) *scene {
	t.Helper()
	dir := folder(t)
	s := &scene{h: plain{}, dir: dir, fresh: fresh, state: &State{Spare: []string{s2(dir, "space/new")}, Moves: []move{
		{Live: s2(dir, "data"), New: s2(dir, "data"+newSuffix), Old: s2(dir, "data"+oldSuffix)},
		{Live: s2(dir, "space/PG_15"), New: s2(dir, "space/new/PG_15"), Old: s2(dir, "space/PG_15"+oldSuffix)},
		{Live: s2(dir, "wal"), New: s2(dir, "wal"+newSuffix), Old: s2(dir, "wal"+oldSuffix)},
	}}}
	if !fresh {
		s.state.Moves = append(s.state.Moves, move{Live: s2(dir, "gone/PG_15"), Old: s2(dir, "gone/PG_15"+oldSuffix)})
	}
	for _, m := range s.state.Moves {
		if !fresh {
			s.fill(t, m.Live, "old")
		}
		if m.New != "" {
			s.fill(t, m.New, "new")
		}
	}
	return s
}

// folder is on a file system that need not wait for a disk, where there is one.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "state")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func s2(dir, name string) string { return filepath.Join(dir, name) }

func (s *scene) fill(t *testing.T, dir, what string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "is"), []byte(what), 0o600); err != nil {
		t.Fatal(err)
	}
}

// is wants that all directories in their places are the old or the new ones, and that nothing else is there.
func (s *scene) is(t *testing.T, what string) {
	t.Helper()
	for _, m := range s.state.Moves {
		text, _ := os.ReadFile(filepath.Join(m.Live, "is"))
		want := what
		if what == "old" && s.fresh || what == "new" && m.New == "" {
			want = ""
		}
		if string(text) != want {
			t.Errorf("%s is %q, want %q", m.Live, text, want)
		}
		for _, d := range []string{m.New, m.Old} {
			if _, err := os.Lstat(d); d != "" && err == nil {
				t.Errorf("%s is left", d)
			}
		}
	}
	for _, d := range append(s.state.Spare, s.state.Moves[0].Live+stateSuffix) {
		if _, err := os.Lstat(d); err == nil {
			t.Errorf("%s is left", d)
		}
	}
}

// dying runs f with a host that dies before its first, second, ... command, and then what the next runs do, the first of
// which dies as well, until f lives.
func dying(t *testing.T, fresh bool, f func(s *scene, h host.Host) error, then func(t *testing.T, s *scene, left *State)) {
	t.Helper()
	j := &step.Journal{W: io.Discard, Now: time.Now}
	for n := 0; ; n++ {
		s := newScene(t, fresh)
		err := f(s, &mortal{s.h, n})
		left, mendErr := Mend(t.Context(), &mortal{s.h, n % 7}, 1, s.state.Moves[0].Live, j)
		if errors.Is(mendErr, errDead) {
			left, mendErr = Mend(t.Context(), s.h, 1, s.state.Moves[0].Live, j)
		}
		if mendErr != nil {
			t.Fatalf("dead before command %d: %v", n, mendErr)
		}
		then(t, s, left)
		if t.Failed() {
			t.Fatalf("dead before command %d", n)
		}
		if err == nil {
			return
		}
	}
}

// However far a swap gets, the old data or the new is whole and in its place, and nothing is lost before the new is proved.
func TestSwapInterrupted(t *testing.T) {
	t.Parallel()
	j := &step.Journal{W: io.Discard, Now: time.Now}
	for _, fresh := range []bool{false, true} {
		swap := func(s *scene, h host.Host) error {
			if err := s.state.enter(t.Context(), s.h, copying); err != nil {
				return err
			}
			return s.state.swap(t.Context(), h)
		}
		dying(t, fresh, swap, func(t *testing.T, s *scene, left *State) {
			if left == nil {
				s.is(t, "old")
				return
			}
			if err := left.Undo(t.Context(), s.h, 1, j); err != nil {
				t.Fatal(err)
			}
			s.is(t, "old")
		})
		dying(t, fresh, swap, func(t *testing.T, s *scene, left *State) {
			if left == nil {
				s.is(t, "old")
				return
			}
			if err := left.Finish(t.Context(), s.h, 1, false, j); err != nil {
				t.Fatal(err)
			}
			s.is(t, "new")
		})
	}
}

// The way back and the last cleaning may be interrupted, too.
func TestUndoInterrupted(t *testing.T) {
	t.Parallel()
	j := &step.Journal{W: io.Discard, Now: time.Now}
	swapped := func(s *scene) error {
		return errors.Join(s.state.enter(t.Context(), s.h, copying), s.state.swap(t.Context(), s.h))
	}
	undo := func(s *scene, h host.Host) error {
		if err := swapped(s); err != nil {
			return err
		}
		return s.state.Undo(t.Context(), h, 1, j)
	}
	finish := func(s *scene, h host.Host) error {
		if err := swapped(s); err != nil {
			return err
		}
		return s.state.Finish(t.Context(), h, 1, false, j)
	}
	dying(t, false, undo, func(t *testing.T, s *scene, left *State) {
		if left != nil {
			if err := left.Undo(t.Context(), s.h, 1, j); err != nil {
				t.Fatal(err)
			}
		}
		s.is(t, "old")
	})
	dying(t, false, finish, func(t *testing.T, s *scene, left *State) {
		if left != nil {
			if err := left.Finish(t.Context(), s.h, 1, false, j); err != nil {
				t.Fatal(err)
			}
		}
		s.is(t, "new")
	})
}

func TestStateOfSomebodyElse(t *testing.T) {
	s := newScene(t, false)
	for _, text := range []string{"", "nonsense", "{}", `{"phase":"dancing","moves":[{"live":"/x","new":"/y","old":"/z"}]}`, `{"phase":"copying"}`} {
		if err := host.WriteFile(t.Context(), s.h, s.state.Moves[0].Live+stateSuffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Mend(t.Context(), s.h, 1, s.state.Moves[0].Live, &step.Journal{W: io.Discard, Now: time.Now}); err == nil {
			t.Errorf("%q was taken", text)
		}
		if got, _ := os.ReadFile(filepath.Join(s.state.Moves[0].Live, "is")); string(got) != "old" {
			t.Fatalf("%q: the data is %q", text, got)
		}
	}
}
