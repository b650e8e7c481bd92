package clustermap

import (
	"slices"
	"time"
)

// A State is how far a failover has come. The states follow each other in this order; each is in the log before the
// work of it begins, so that a new leader goes on where the old one ended.
type State string

// The states of a failover.
const (
	Fence      State = "fence"      // make sure that the old primary takes no more writes, or will not after its leases
	Recruit    State = "recruit"    // standbys promise the epoch, stop receiving, tell what they have
	CatchUp    State = "catch-up"   // the candidate replays what it has
	Promote    State = "promote"    // the candidate becomes a primary
	Open       State = "open"       // wait until no router can write in the old epoch
	Reconverge State = "reconverge" // the others follow the new primary; writes go on already
	Done       State = "done"
	Failed     State = "failed"
)

var order = []State{Fence, Recruit, CatchUp, Promote, Open, Reconverge, Done}

// Before reports whether s comes before t.
func (s State) Before(t State) bool { return slices.Index(order, s) < slices.Index(order, t) }

// Ended reports whether nothing is left to do.
func (s State) Ended() bool { return s == Done || s == Failed }

// A Kind is why the primary changes.
type Kind string

// The kinds of a failover.
const (
	Failure    Kind = "failover"   // the primary is lost
	Switchover Kind = "switchover" // an operator wishes; the old primary is stopped in order and follows
	Operator   Kind = "forced"     // an operator says that the primary is lost
	Detach     Kind = "detach"     // an operator takes the primary out; it is stopped in order and left alone
)

// Orderly reports whether the old primary is to be stopped in order, and goes on when nobody can take its place.
func (k Kind) Orderly() bool { return k == Switchover || k == Detach }

// A Failover is one change of the primary.
type Failover struct {
	ID        uint64    `json:"id"` // index of the command that began it
	Kind      Kind      `json:"kind"`
	State     State     `json:"state"`
	Epoch     uint64    `json:"epoch"` // that it opens
	From      int       `json:"from"`  // the old primary
	To        int       `json:"to"`    // the candidate, None before it is chosen; from the start if an operator names it
	Reason    string    `json:"reason,omitempty"`
	Evidence  []string  `json:"evidence,omitempty"` // why the old primary cannot write any more
	Lag       uint64    `json:"lag,omitempty"`      // bytes that were written on the old primary and are not on the candidate, as far as known
	AllowLoss bool      `json:"allow_loss,omitempty"`
	By        string    `json:"by,omitempty"`
	Err       string    `json:"err,omitempty"`
	Hooks     []string  `json:"hooks,omitempty"` // that have ended, by their ID: another leader does not run them again
	Since     time.Time `json:"since,omitzero"`
}

func (f *Failover) clone() *Failover {
	c := clone(f)
	if c != nil {
		c.Evidence, c.Hooks = slices.Clone(c.Evidence), slices.Clone(c.Hooks)
	}
	return c
}
