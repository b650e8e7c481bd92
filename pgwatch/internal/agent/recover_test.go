package agent

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func rescue(id string, backend int, epoch uint64) report.Order {
	return report.Order{Op: report.DoRecover, ID: id, Backend: backend, Epoch: epoch, To: 0, Method: "auto", Since: 9, By: "ann"}
}

// recovers waits for a state of the recovery.
func (w *world) recovers(t *testing.T, what string, cond func(report.Recovery) bool) report.Recovery {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		for _, r := range w.Recoveries() {
			if cond(r) {
				return r
			}
		}
		select {
		case <-w.changed:
		case <-limit:
			t.Fatalf("not reached: %s; it is %+v", what, w.Recoveries())
		}
	}
}

func isDone(r report.Recovery) bool { return r.Done }

// A recovery runs once and is told of; other orders for its server wait, and find what it has changed.
func TestRecoveryRunsAlone(t *testing.T) {
	w := begin(t, t.TempDir(), nil)
	w.hands.hold = make(chan struct{})
	orders := []report.Order{rescue("a", 1, 5)}
	w.Obey(orders, 5)
	r := w.recovers(t, "it copies", func(r report.Recovery) bool { return r.Bytes == 1 })
	if r.ID != "a" || r.Backend != 1 || r.Step != "backup" || r.Method != "backup" || r.Percent != 50 || r.Since != 9 || r.By != "ann" || r.Epoch != 5 {
		t.Errorf("%+v", r)
	}
	w.Obey(append(orders, order(report.DoFollow, 5)), 5)
	close(w.hands.hold)
	if r := w.recovers(t, "it ends", isDone); r.Err != "" {
		t.Errorf("%+v", r)
	}
	w.Obey(append(orders, order(report.DoFollow, 5), order(report.DoPromote, 5)), 5)
	l := w.until(t, "promoted", func(l report.Local) bool { return l.Promoted == 5 })
	if got := strings.Join(w.hands.calls, ", "); got != "recover auto, promote" || l.Follows != 5 || l.Promised != 5 {
		t.Errorf("it did %s and is %+v", got, l)
	}
}

// A failover ends what runs, and an order of an epoch that is over is refused.
func TestFailoverEndsRecovery(t *testing.T) {
	w := begin(t, t.TempDir(), nil)
	w.hands.hold = make(chan struct{})
	w.Obey([]report.Order{rescue("a", 1, 5)}, 5)
	w.recovers(t, "it runs", func(r report.Recovery) bool { return r.Bytes == 1 })
	w.Obey([]report.Order{order(report.DoRecruit, 6)}, 6)
	if r := w.recovers(t, "it ends", isDone); !strings.Contains(r.Err, "a failover began") || r.Refused {
		t.Errorf("%+v", r)
	}
	w.until(t, "recruited", func(l report.Local) bool { return l.Recruited == 6 })
	w.Obey([]report.Order{rescue("b", 1, 5)}, 5)
	r := w.recovers(t, "it is refused", func(r report.Recovery) bool { return r.ID == "b" && r.Done })
	if !r.Refused || !strings.Contains(r.Err, "epoch 5 is over") {
		t.Errorf("%+v", r)
	}
}

// A recovery that the leader gave up is ended, and not begun when it was not.
func TestRecoveryIsGivenUp(t *testing.T) {
	w := begin(t, t.TempDir(), nil)
	w.hands.hold = make(chan struct{})
	w.Obey([]report.Order{rescue("a", 1, 5)}, 5)
	w.recovers(t, "it runs", func(r report.Recovery) bool { return r.Bytes == 1 })
	over := rescue("a", 1, 5)
	over.End = true
	other := over
	other.ID = "b"
	w.Obey([]report.Order{other}, 5)
	if r := w.Recoveries(); len(r) != 1 || r[0].Done {
		t.Errorf("another one is given up, and there is %+v", r)
	}
	w.Obey([]report.Order{over, rescue("c", 1, 5)}, 5)
	w.recovers(t, "it ends", func(r report.Recovery) bool { return r.ID == "c" && r.Bytes == 1 })
	close(w.hands.hold)
	if r := w.recovers(t, "the next one ends", isDone); r.ID != "c" || r.Err != "" {
		t.Errorf("%+v", r)
	}
}

// A failure is told, and a server that this node does not know is refused.
func TestRecoveryFails(t *testing.T) {
	w := begin(t, t.TempDir(), nil)
	w.hands.fails = 1
	w.Obey([]report.Order{rescue("a", 1, 5), rescue("b", 7, 5)}, 5)
	a := w.recovers(t, "it fails", func(r report.Recovery) bool { return r.ID == "a" && r.Done })
	b := w.recovers(t, "it is refused", func(r report.Recovery) bool { return r.ID == "b" && r.Done })
	if a.Err != "it does not want to" || a.Refused || !b.Refused || !strings.Contains(b.Err, "not in the configuration") {
		t.Errorf("%+v, %+v", a, b)
	}
}

// recoverer is a Programs whose pgrecover prints that and ends with that status.
func recoverer(t *testing.T, prints string, status int) *Programs {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pgrecover")
	text := fmt.Sprintf("#!/bin/sh\necho \"$@\" >&2\ncat <<'E'\n%s\nE\nexit %d\n", prints, status)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Programs{Recoverer: path, Config: "c", Local: func(id int) bool { return id == 1 }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// What pgrecover says is handed on, and how it ended is understood.
func TestRecoverByProgram(t *testing.T) {
	var last Progress
	tell := func(p Progress) { last = p }
	steps := `{"step":"plan","ok":true,"detail":{"method":"rewind"}}
{"step":"layout","ok":true,"detail":{"bytes":99}}
{"step":"progress","detail":{"bytes":5,"total":10,"percent":50}}`
	p := recoverer(t, steps+"\n"+`{"step":"done","ok":true,"detail":"well"}`, 0)
	if err := p.Recover(t.Context(), rescue("a", 1, 5), tell); err != nil || last.Step != "done" {
		t.Errorf("%v, %+v", err, last)
	}
	p.Close(t.Context())
	var discarded report.Discarded
	divergent := `{"step":"divergent","ok":true,"skipped":true,"detail":"its files cannot be looked at"}
{"step":"divergent","ok":true,"detail":{"bytes":7,"from":"0/1","to":"0/8","saved":"/d"}}
{"step":"done","ok":true}`
	p = recoverer(t, divergent, 0)
	err := p.Recover(t.Context(), rescue("a", 1, 5), func(p Progress) {
		if p.Discarded != (report.Discarded{}) {
			discarded = p.Discarded
		}
	})
	p.Close(t.Context())
	if want := (report.Discarded{Bytes: 7, From: "0/1", To: "0/8", Saved: "/d"}); err != nil || discarded != want {
		t.Errorf("%v, discarded %+v", err, discarded)
	}
	for name, c := range map[string]struct {
		status  int
		o       report.Order
		refused bool
		want    string
	}{
		"refused":   {3, rescue("a", 1, 5), true, "run --config c --node 1 --to 0 --method auto --epoch 5 --local"},
		"failed":    {1, rescue("a", 2, 5), false, "run --config c --node 2 --to 0 --method auto --epoch 5"},
		"cut short": {0, rescue("a", 1, 5), false, "ended without saying that it is done"},
		"by script": {1, report.Order{Op: report.DoRecover, Backend: 1, Epoch: 5, Method: "script"}, false, "--method script --epoch 5 --local"},
	} {
		err := recoverer(t, steps, c.status).Recover(t.Context(), c.o, tell)
		_, refused := errors.AsType[Refusal](err)
		if err == nil || refused != c.refused || !strings.HasSuffix(err.Error(), c.want) || last.Bytes != 5 || last.Total != 10 {
			t.Errorf("%s: %v, %+v", name, err, last)
		}
	}
}
