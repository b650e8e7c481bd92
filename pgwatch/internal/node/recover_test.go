package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// eventually waits for what another goroutine does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// joins asks the leader for a recovery of backend 1, which must be the one that runs.
func (s *squad) joins(leader clustermap.NodeID, id string) {
	s.t.Helper()
	d, err := s.nodes[leader].beginOrLook(order{Request: control.Request{Op: OpRecover, Args: []byte(`{"node":1}`)}})
	if e, ok := d.(errand); !ok || err != nil || e.Job != id {
		s.t.Errorf("asked again: %+v, %v", d, err)
	}
}

// A recovery that is asked of any node goes to the leader, is followed when the leader changes, and asked for twice it is one.
func TestRecoverAcrossLeaders(t *testing.T) {
	s := newSquad(t)
	s.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Down}})
	type answer struct {
		Recovered
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.err = s.ask(t.Context(), 1, OpRecover, RecoverArgs{Node: 1, Method: "rewind"}, &a.Recovered)
		answers <- a
	}()
	eventually(t, "a wish", func() bool { return len(s.wished(0)) > 0 })
	w := s.wished(0)[0]
	if w.Backend != 1 || w.Method != "rewind" || w.By == "" {
		t.Errorf("%+v", w)
	}
	r := report.Recovery{ID: w.ID, Backend: 1, To: 0, Since: s.m.Index, Method: "rewind", Bytes: 7, Step: "rewind"}
	s.planned(0, []report.Recovery{r}, nil)
	s.joins(0, w.ID)
	s.lead(2)
	s.planned(2, []report.Recovery{r}, nil)
	s.joins(2, w.ID)
	r.Done = true
	s.planned(2, []report.Recovery{r}, nil)
	time.Sleep(2 * recoverPoll) // done, and not attached: nobody is told that yet
	select {
	case a := <-answers:
		t.Fatalf("before it is attached: %+v", a)
	default:
	}
	s.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Attached}})
	if a := <-answers; a.err != nil || a.Recovered != (Recovered{Node: 1, Primary: 0, Method: "rewind", Bytes: 7}) {
		t.Errorf("%+v", a)
	}
	if len(s.wished(2)) != 0 {
		t.Errorf("the new leader wishes %+v", s.wished(2))
	}
}

func TestRecoverSaysWhyNot(t *testing.T) {
	s := newSquad(t)
	for backend, want := range map[int]string{9: "node id 9 is not valid", 0: "primary server cannot be recovered by online recovery."} {
		var said *control.Error
		if err := s.ask(t.Context(), 1, OpRecover, RecoverArgs{Node: backend}, nil); !errors.As(err, &said) || said.Msg != want {
			t.Errorf("%d: %v", backend, err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.ask(t.Context(), 1, OpRecover, RecoverArgs{Node: 1}, nil) }()
	eventually(t, "a wish", func() bool { return len(s.wished(0)) > 0 })
	s.planned(0, []report.Recovery{{ID: s.wished(0)[0].ID, Backend: 1, Done: true, Err: "the disk is full"}}, nil)
	if err := <-ended; err == nil || err.Error() != "the disk is full" {
		t.Errorf("%v", err)
	}
	if len(s.wished(0)) != 0 {
		t.Errorf("it is wished for still: %+v", s.wished(0))
	}
}

// The leader was on the host of the server, and ran the recovery. Its successor hears from all who live that they know nothing.
func TestRecoverIsLostWithItsLeader(t *testing.T) {
	s := newSquad(t)
	ended := make(chan error, 1)
	go func() { ended <- s.ask(t.Context(), 1, OpRecover, RecoverArgs{Node: 1}, nil) }()
	eventually(t, "a wish", func() bool { return len(s.wished(0)) > 0 })
	s.lead(2)
	n := s.nodes[2]
	v := n.crew.View()
	n.planner.wishes.of(v.Term)
	began := time.Now()
	n.planner.wishes.planned(&failover.Plan{Untold: "node 0 is silent"}, &v.Map)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "a node that is gone: node 0 is silent") || time.Since(began) >= recoverSilence {
		t.Errorf("%v", err)
	}
}

// Who asked may go away.
func TestRecoverGoesOn(t *testing.T) {
	s := newSquad(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ask(ctx, 0, OpRecover, RecoverArgs{Node: 1}, nil) }()
	eventually(t, "a wish", func() bool { return len(s.wished(0)) > 0 })
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "goes on") {
		t.Errorf("%v", err)
	}
	if len(s.wished(0)) != 1 {
		t.Error("it is wished for no more")
	}
}
