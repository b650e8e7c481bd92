package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// How the node that was asked for a recovery follows it.
const (
	recoverPoll    = 200 * time.Millisecond
	recoverSilence = 30 * time.Second // without a leader that knows of it
	pollLimit      = 5 * time.Second  // for one question to the leader
)

// codeUnknownJob is the answer of a leader that has not heard of a recovery, perhaps because it is new.
const codeUnknownJob = "unknown_job"

// An errand is a recovery as the leader tells of it.
type errand struct {
	Job  string `json:"job"`
	Done bool   `json:"done,omitempty"`
	Recovered
}

// wishes are the recoveries that operators asked this leader for, and how all of them stand.
type wishes struct {
	mu    sync.Mutex
	term  uint64
	count int
	list  []failover.Wish
	known []report.Recovery
	lost  string // why nobody will tell of any other; "" when somebody may
	seen  map[int]failover.Standby
}

// of returns what is wanted in a term.
func (w *wishes) of(term uint64) []failover.Wish {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enter(term)
	return slices.Clone(w.list)
}

// enter forgets what was asked of this node when it led before: somebody else led meanwhile.
func (w *wishes) enter(term uint64) {
	if w.term != term {
		w.term, w.list, w.known, w.seen, w.lost = term, nil, nil, nil, ""
	}
}

// planned takes what a plan says of recoveries and standbys.
func (w *wishes) planned(p *failover.Plan, m *clustermap.Map) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known, w.seen, w.lost = p.Recoveries, p.Standbys, p.Untold
	w.list = slices.DeleteFunc(w.list, func(o failover.Wish) bool {
		r, ok := find(w.known, o.ID)
		return ok && over(&r, m)
	})
}

// add wishes for a recovery, unless one of that backend runs or is wanted already, and returns its name.
func (w *wishes) add(v *authority.View, o failover.Wish) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enter(v.Term)
	for _, r := range w.known {
		if r.Backend == o.Backend && !over(&r, &v.Map) {
			return r.ID
		}
	}
	for _, other := range w.list {
		if other.Backend == o.Backend {
			return other.ID
		}
	}
	w.count++
	o.ID = fmt.Sprintf("asked-%d-%d", v.Term, w.count)
	w.list = append(w.list, o)
	return o.ID
}

// look returns how a recovery stands. wanted says that it has not even begun, lost why nothing will be known of it; "" when it may.
func (w *wishes) look(term uint64, id string) (r report.Recovery, known, wanted bool, lost string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enter(term)
	r, known = find(w.known, id)
	return r, known, slices.ContainsFunc(w.list, func(o failover.Wish) bool { return o.ID == id }), w.lost
}

// standby is how the leader sees a backend. ok is false when it does not, or when it is the primary.
func (w *wishes) standby(id int) (s failover.Standby, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok = w.seen[id]
	return s, ok
}

func find(list []report.Recovery, id string) (report.Recovery, bool) {
	if i := slices.IndexFunc(list, func(r report.Recovery) bool { return r.ID == id }); i >= 0 {
		return list[i], true
	}
	return report.Recovery{}, false
}

// over reports whether nothing more comes of a recovery: it failed, or its backend was attached, or otherwise decided about.
func over(r *report.Recovery, m *clustermap.Map) bool {
	b := m.Backend(r.Backend)
	return r.Done && (r.Err != "" || b == nil || b.Since > r.Since)
}

// recover has a server recovered and waits for the end, whoever leads. When the one who asked goes away, it goes on.
func (n *Node) recover(ctx context.Context, o order) (any, error) {
	begun, err := n.errand(ctx, o)
	if err != nil {
		return nil, err
	}
	o.If = nil // it has begun
	o.Args = fmt.Appendf(nil, `{"job":%q}`, begun.Job)
	for silent := time.Duration(0); !begun.Done; {
		if err := step.Sleep(ctx, recoverPoll); err != nil {
			return nil, fmt.Errorf("it goes on, see pgwatch status; ask again to wait for its end (%w)", err)
		}
		asked := n.clock()
		now, err := n.errand(ctx, o)
		switch said, ok := errors.AsType[*control.Error](err); {
		case err == nil:
			begun, silent = now, 0
			continue
		case ok && said.Code != control.CodeNotLeader && said.Code != codeUnknownJob:
			return nil, err
		}
		if silent += n.clock() - asked + recoverPoll; silent >= recoverSilence {
			return nil, fmt.Errorf("what has become of it is not known, see pgwatch status: %w", err)
		}
	}
	return begun.Recovered, nil
}

// errand asks the leader to begin a recovery, or how one stands.
func (n *Node) errand(ctx context.Context, o order) (e errand, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	d, err := n.lead(ctx, o)
	if err != nil {
		return e, err
	}
	text, err := json.Marshal(d) // another node's answer is JSON already
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// beginOrLook is the leader's part of recover.
func (n *Node) beginOrLook(o order) (any, error) {
	var args struct {
		RecoverArgs
		Job string `json:"job,omitempty"` // asks how that one stands
	}
	if err := o.Bind(&args); err != nil {
		return nil, err
	}
	v := n.crew.View()
	if args.Job == "" {
		switch {
		case v.Map.Backend(args.Node) == nil:
			return nil, unknownBackend(args.Node)
		case args.Node == v.Map.PrimaryID():
			return nil, &control.Error{Code: control.CodeFailed, Msg: "primary server cannot be recovered by online recovery."}
		}
		return errand{Job: n.planner.wishes.add(&v, failover.Wish{Backend: args.Node, Method: args.Method, By: o.By})}, nil
	}
	r, known, wanted, lost := n.planner.wishes.look(v.Term, args.Job)
	switch {
	case !known && !wanted && lost != "":
		return nil, &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("the recovery went on on a node that is gone: %s; see pgwatch status, and ask again", lost)}
	case !known && !wanted:
		return nil, &control.Error{Code: codeUnknownJob, Msg: fmt.Sprintf("%s has not heard of recovery %s", n.name(n.Self.ID), args.Job)}
	case r.Done && r.Err != "":
		return nil, &control.Error{Code: control.CodeFailed, Msg: r.Err}
	}
	return errand{Job: args.Job, Done: known && over(&r, &v.Map), Recovered: Recovered{Node: r.Backend, Primary: r.To, Method: r.Method, Bytes: r.Bytes}}, nil
}

// unknownBackend says what Pgpool-II says of a number that is none of a backend.
func unknownBackend(id int) error {
	return &control.Error{Code: control.CodeBadRequest, Msg: fmt.Sprintf("node id %d is not valid", id), Hint: "pgwatch status shows the numbers of the servers"}
}
