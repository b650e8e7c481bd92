package agent

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// set must work.
func (w *world) set(t *testing.T, backends ...Backend) {
	t.Helper()
	if err := w.Set(backends); err != nil {
		t.Fatal(err)
	}
}

// Backends come and go while the agent runs: a new one gets the orders that stand, and one that went is forgotten but for
// what was promised.
func TestBackendsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	srv := postmaster.New(t.TempDir())
	w := begin(t, dir, srv)
	w.Obey([]report.Order{{Op: report.DoFollow, Backend: 1, Epoch: 5}, {Op: report.DoFollow, Backend: 2, Epoch: 5}}, 5)
	w.until(t, "following", func(l report.Local) bool { return l.Follows == 5 })
	before := w.workers.of(1)
	added := Backend{ID: 2, Server: postmaster.New(t.TempDir())}
	w.set(t, Backend{ID: 1, Server: postmaster.New(srv.Data())}, added)
	if w.workers.of(1) != before {
		t.Error("a backend that stays is begun anew")
	}
	w.until(t, "the new one follows", func(report.Local) bool { return w.Locals()[1].Follows == 5 })

	w.set(t, added)
	if ids := w.Locals(); len(ids) != 1 || ids[0].ID != 2 {
		t.Errorf("these are left: %+v", ids)
	}
	if got, err := newStore(dir, 1).read(); err != nil || got.Promised != 5 || got.Follows != 0 {
		t.Errorf("of the one that went it remembers %+v, %v", got, err)
	}
	w.set(t, Backend{ID: 1, Server: srv}, added)
	w.until(t, "a number that is used again follows again", func(l report.Local) bool { return l.ID == 1 && l.Follows == 5 })
	w.hands.mu.Lock()
	defer w.hands.mu.Unlock()
	if n := len(slices.DeleteFunc(slices.Clone(w.hands.calls), func(c string) bool { return c != "follow " })); n != 3 {
		t.Errorf("it did %q", w.hands.calls)
	}
}

// A backend whose data are elsewhere now is watched there.
func TestDataMove(t *testing.T) {
	s := pgtest.Primary(t)
	w := begin(t, t.TempDir(), postmaster.New(t.TempDir()))
	w.set(t, Backend{ID: 1, Server: postmaster.New(s.Data(""))})
	w.until(t, "it runs", func(l report.Local) bool { return l.Postmaster == report.Runs })
}

// What cannot be read of one backend leaves the others alone.
func TestSetNamesDamage(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, postmaster.New(t.TempDir()))
	if err := os.WriteFile(filepath.Join(dir, "backend-2.json"), []byte(`{"promised":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Set([]Backend{{ID: 1, Server: w.workers.of(1).srv}, {ID: 2}}); err == nil || w.workers.of(1) == nil || w.workers.of(2) != nil {
		t.Errorf("%v", err)
	}
}
