package hold

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
)

// maxTTL bounds a lease. A longer one is a mistake of whoever wrote the line, and is not obeyed.
const maxTTL = 5 * time.Minute

// Follow says whom the addresses follow.
type Follow string

// The ways.
const (
	Leader  Follow = "leader"  // the node that holds pgwatch's lease of the address, as in Pgpool-II
	Primary Follow = "primary" // the node on the primary's host
)

// Config is what a Tracker knows from the beginning.
type Config struct {
	Boot   string              // boot id of this host
	Follow Follow              // whom to follow
	Ours   func(a string) bool // whether a name in an event means one of our addresses
}

// A Tracker reads events and tells whether this node may hold the addresses. One goroutine uses it.
type Tracker struct {
	Config

	cluster, self string
	seen          uint64 // the highest token
	revoked       uint64 // tokens up to this one were taken back
	primary       event.Primary
	verdict       Verdict
}

// NewTracker returns a Tracker that has heard nothing.
func NewTracker(c Config) *Tracker {
	return &Tracker{Config: c, verdict: Verdict{Reason: "nothing was heard from pgwatch"}}
}

// Verdict returns what the events so far add up to.
func (t *Tracker) Verdict() Verdict { return t.verdict }

// Self returns the name of this node and of its cluster, as the stream says; "" before it did.
func (t *Tracker) Self() (cluster, node string) { return t.cluster, t.self }

// Lost says that the stream has ended: what comes next is another one.
func (t *Tracker) Lost(reason string) {
	t.verdict.Others = Others{} // they may go on unseen
	t.no(reason)
}

// Event reads one event. An error is a remark about a line that was not obeyed, for the log.
func (t *Tracker) Event(e event.Event, now time.Duration) error {
	switch e.Type {
	case event.TypeHello:
		t.hello(e)
		return nil
	case event.TypeSnapshot:
		return t.snapshot(e)
	case event.TypePrimary:
		d, err := event.Decode[event.Primary](e)
		if err == nil {
			t.newPrimary(d)
		}
		return err
	case event.TypeTick:
		return t.tick(e, now)
	case event.TypeVIPGrant:
		return t.grant(e, now)
	case event.TypeVIPRevoke:
		return t.revoke(e)
	case event.TypeBye:
		t.no("pgwatch stops")
	}
	return nil
}

// hello begins a stream. A cluster of another name counts its tokens anew; what was taken back in an old stream may be
// given again in a new one, which begins with the present state.
func (t *Tracker) hello(e event.Event) {
	if e.Cluster != t.cluster {
		t.seen = 0
	}
	t.cluster, t.self, t.revoked = e.Cluster, e.Node, 0
}

func (t *Tracker) snapshot(e event.Event) error {
	d, err := event.Decode[event.Snapshot](e)
	if err != nil {
		return err
	}
	if d.Self != "" {
		t.self = d.Self
	}
	t.primary = event.Primary{}
	if d.Map.Primary != nil {
		t.newPrimary(*d.Map.Primary)
	}
	return nil
}

func (t *Tracker) newPrimary(p event.Primary) {
	t.primary = p
	if t.Follow == Primary && p.Node != t.self {
		t.no(fmt.Sprintf("the primary is on node %s", name(p.Node)))
	}
}

// tick says in each line who holds the lease.
func (t *Tracker) tick(e event.Event, now time.Duration) error {
	d, err := event.Decode[event.Tick](e)
	if err != nil {
		return err
	}
	age, ok := e.Age(t.Boot, now)
	if !ok {
		return fmt.Errorf("event %d (tick) is from another boot or host, or from the future: its lease is not obeyed", e.Seq)
	}
	switch d.Quorum {
	case event.QuorumFull, event.QuorumEdge, event.QuorumNone:
	default:
		return fmt.Errorf("event %d (tick) has the unknown quorum %q: it is not obeyed", e.Seq, d.Quorum)
	}
	holder, token, ttlMS, why := t.holder(d)
	if why != "" {
		t.no(why)
		return nil
	}
	ttl, err := length(e, ttlMS)
	if err != nil {
		return err
	}
	return t.decide(e, holder, token, now-age, ttl, d.Quorum, now)
}

// holder takes from a tick who may hold the addresses.
func (t *Tracker) holder(d event.Tick) (holder string, token uint64, ttlMS int64, why string) {
	if t.Follow == Leader {
		if d.VIP == nil {
			return "", 0, 0, "no node may hold the address"
		}
		return d.VIP.Holder, d.VIP.Token, d.VIP.TTLMS, ""
	}
	switch {
	case t.primary.Node == "":
		return "", 0, 0, "it is not known on which node the primary is"
	case d.Serve == nil:
		return "", 0, 0, "no primary may take writes"
	case d.Serve.Epoch != t.primary.Epoch:
		return "", 0, 0, fmt.Sprintf("writes belong to epoch %d, and the primary of epoch %d is known", d.Serve.Epoch, t.primary.Epoch)
	}
	return t.primary.Node, d.Serve.Epoch, d.Serve.TTLMS, ""
}

// length checks the length of a lease.
func length(e event.Event, ms int64) (time.Duration, error) {
	if ms <= 0 || ms > maxTTL.Milliseconds() {
		return 0, fmt.Errorf("event %d (%s) has a lease of %d ms: it is not obeyed", e.Seq, e.Type, ms)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// decide weighs a lease.
func (t *Tracker) decide(e event.Event, holder string, token uint64, made, ttl time.Duration, quorum event.QuorumState, now time.Duration) error {
	switch {
	case t.self == "":
		t.no("the stream has not said which node this is")
	case token < t.seen:
		t.no(fmt.Sprintf("token %d is older than %d", token, t.seen))
		return fmt.Errorf("event %d (%s) has token %d after %d: it is not obeyed (was the cluster made anew? then restart pgvip)", e.Seq, e.Type, token, t.seen)
	case holder != t.self:
		t.seen = token
		t.no(fmt.Sprintf("node %s holds it", name(holder)))
		t.verdict.Others = Others{Known: true, Made: made, TTL: ttl}
	case token <= t.revoked:
		t.no(fmt.Sprintf("token %d was revoked", token))
	case made+ttl <= now:
		t.seen = token
		t.no("its lease is over")
	case quorum == event.QuorumNone:
		// A lease that runs is good to its end, but it is not renewed and nothing begins.
		t.seen = token
		t.verdict.Claim = false
		if !t.verdict.Mine {
			t.no("there is no quorum")
		}
	default:
		t.seen = token
		t.verdict = Verdict{Mine: true, Claim: true, Lease: Lease{token, made, made + ttl}, Others: t.verdict.Others}
	}
	return nil
}

// grant is an edge that ticks repeat. It is for the node that writes the stream.
func (t *Tracker) grant(e event.Event, now time.Duration) error {
	d, err := event.Decode[event.VIPGrant](e)
	if err != nil {
		return err
	}
	if t.Follow != Leader || e.Node != t.self || !t.Ours(d.Addr) {
		return nil
	}
	age, ok := e.Age(t.Boot, now)
	if !ok {
		return fmt.Errorf("event %d (vip.grant) is from another boot or host, or from the future: it is not obeyed", e.Seq)
	}
	ttl, err := length(e, d.TTLMS)
	if err != nil {
		return err
	}
	if d.Token >= t.seen {
		t.revoked = 0
	}
	return t.decide(e, e.Node, d.Token, now-age, ttl, event.QuorumFull, now)
}

// revoke takes back all tokens up to one. Its age does not matter.
func (t *Tracker) revoke(e event.Event) error {
	d, err := event.Decode[event.VIPRevoke](e)
	if err != nil {
		return err
	}
	if t.Follow != Leader || !t.Ours(d.Addr) || d.Token < t.seen {
		return nil
	}
	t.seen, t.revoked = d.Token, d.Token
	reason := "it was revoked"
	if d.Reason != "" {
		reason += ": " + d.Reason
	}
	t.no(reason)
	return nil
}

// no ends the right to hold. A lease of our own that ends is nobody else's.
func (t *Tracker) no(reason string) {
	t.verdict = Verdict{Reason: reason, Others: t.verdict.Others}
}

// name writes the name of a node.
func name(node string) string {
	if node == "" {
		return "(unknown)"
	}
	return node
}
