package hold

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
)

const (
	ms  = time.Millisecond
	ttl = 2 * time.Second
)

// line makes an event of boot "boot" and node "a" that was written at a time.
func line(at time.Duration, d event.Payload) event.Event {
	body, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return event.Event{V: 1, Type: d.EventType(), Seq: 7, Cluster: "lab", Node: "a", Boot: "boot", MonoMS: at.Milliseconds(), D: body}
}

func tick(holder string, token uint64, quorum event.QuorumState) event.Tick {
	return event.Tick{Quorum: quorum, VIP: &event.VIPLease{Holder: holder, Token: token, TTLMS: ttl.Milliseconds()}}
}

func begun(t *testing.T, follow Follow) *Tracker {
	t.Helper()
	tr := NewTracker(Config{Boot: "boot", Follow: follow, Ours: func(a string) bool { return a == "" || a == "vip" }})
	for _, d := range []event.Payload{
		event.Hello{LeaseMS: ttl.Milliseconds()},
		event.Snapshot{Self: "a", Map: event.Map{Primary: &event.Primary{Epoch: 3, Node: "a"}}},
	} {
		if err := tr.Event(line(0, d), 0); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// Each line is heard 10 ms after it was written, at now = 1 s and later.
func TestTracker(t *testing.T) {
	mine := tick("a", 5, event.QuorumFull)
	serve := func(epoch uint64) event.Tick {
		return event.Tick{Quorum: event.QuorumFull, Serve: &event.Serve{Epoch: epoch, TTLMS: ttl.Milliseconds()}}
	}
	type lines = []event.Payload
	for _, c := range []struct {
		name   string
		follow Follow
		in     lines
		want   string // of the verdict: token and whether it may begin, or the reason
		remark string
	}{
		{"nothing", Leader, nil, "nothing was heard from pgwatch", ""},
		{"mine", Leader, lines{mine}, "5 claim", ""},
		{"edge is a quorum", Leader, lines{tick("a", 5, event.QuorumEdge)}, "5 claim", ""},
		{"another's", Leader, lines{tick("b", 5, event.QuorumFull)}, "node b holds it", ""},
		{"nobody's", Leader, lines{mine, event.Tick{Quorum: event.QuorumFull}}, "no node may hold the address", ""},
		{"a holder without name", Leader, lines{tick("", 5, event.QuorumFull)}, "node (unknown) holds it", ""},
		{"no quorum", Leader, lines{tick("a", 5, event.QuorumNone)}, "there is no quorum", ""},
		{"quorum lost: the lease runs on", Leader, lines{mine, tick("a", 5, event.QuorumNone)}, "5", ""},
		{"quorum of another kind", Leader, lines{mine, tick("a", 6, "half")}, "5 claim", `the unknown quorum "half"`},
		{"lower token", Leader, lines{mine, tick("a", 4, event.QuorumFull)}, "token 4 is older than 5", "was the cluster made anew"},
		{"lower token of another", Leader, lines{mine, tick("b", 4, event.QuorumFull)}, "token 4 is older than 5", "token 4 after 5"},
		{"another has a higher token", Leader, lines{mine, tick("b", 6, event.QuorumFull), mine}, "token 5 is older than 6", "token 5 after 6"},
		{"revoked", Leader, lines{mine, event.VIPRevoke{Addr: "vip", Token: 5}, mine}, "token 5 was revoked", ""},
		{"an older one revoked", Leader, lines{mine, event.VIPRevoke{Addr: "vip", Token: 4}}, "5 claim", ""},
		{"another address revoked", Leader, lines{mine, event.VIPRevoke{Addr: "other", Token: 5}}, "5 claim", ""},
		{"revoked, and a higher one", Leader, lines{mine, event.VIPRevoke{Token: 5}, tick("a", 6, event.QuorumFull)}, "6 claim", ""},
		{"revoked and granted again", Leader, lines{mine, event.VIPRevoke{Token: 5}, event.VIPGrant{Addr: "vip", Token: 5, TTLMS: 2000}, mine}, "5 claim", ""},
		{"granted", Leader, lines{event.VIPGrant{Addr: "vip", Token: 5, TTLMS: 2000}}, "5 claim", ""},
		{"another address granted", Leader, lines{event.VIPGrant{Addr: "other", Token: 5, TTLMS: 2000}}, "nothing was heard from pgwatch", ""},
		{"revoked, and a new stream", Leader, lines{mine, event.VIPRevoke{Token: 5}, event.Hello{}, event.Snapshot{Self: "a"}, mine}, "5 claim", ""},
		{"bye", Leader, lines{mine, event.Bye{}}, "pgwatch stops", ""},
		{"no lease", Leader, lines{mine, event.Tick{Quorum: event.QuorumFull, VIP: &event.VIPLease{Holder: "a", Token: 6}}}, "5 claim", "a lease of 0 ms"},
		{"a lease without end", Leader, lines{event.Tick{Quorum: event.QuorumFull, VIP: &event.VIPLease{Holder: "a", Token: 6, TTLMS: 1 << 62}}}, "nothing was heard from pgwatch", "a lease of 4611686018427387904 ms"},
		{"over already", Leader, lines{event.Tick{Quorum: event.QuorumFull, VIP: &event.VIPLease{Holder: "a", Token: 6, TTLMS: 10}}}, "its lease is over", ""},
		{"the primary here", Primary, lines{serve(3)}, "3 claim", ""},
		{"the leader does not matter", Primary, lines{mine}, "no primary may take writes", ""},
		{"the primary of another epoch", Primary, lines{serve(4)}, "writes belong to epoch 4, and the primary of epoch 3 is known", ""},
		{"the primary moves", Primary, lines{serve(3), event.Primary{Epoch: 4, Node: "b"}}, "the primary is on node b", ""},
		{"the primary has moved", Primary, lines{serve(3), event.Primary{Epoch: 4, Node: "b"}, serve(4)}, "node b holds it", ""},
		{"the primary comes", Primary, lines{event.Primary{Epoch: 4, Node: "a"}, serve(4)}, "4 claim", ""},
		{"no primary", Primary, lines{event.Snapshot{Self: "a"}, serve(3)}, "it is not known on which node the primary is", ""},
		{"a grant does not matter", Primary, lines{serve(3), event.VIPRevoke{Token: 9}}, "3 claim", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := begun(t, c.follow)
			remarks := ""
			now := time.Second
			for _, d := range c.in {
				now += 10 * ms
				if err := tr.Event(line(now-10*ms, d), now); err != nil {
					remarks += err.Error()
				}
			}
			v := tr.Verdict()
			got := v.Reason
			if v.Mine {
				got = fmt.Sprint(v.Lease.Token)
				if v.Claim {
					got += " claim"
				}
			}
			if got != c.want {
				t.Errorf("the verdict is %q, wanted %q", got, c.want)
			}
			if c.remark == "" && remarks != "" || !strings.Contains(remarks, c.remark) {
				t.Errorf("the remark is %q, wanted %q", remarks, c.remark)
			}
		})
	}
}

// Lines that come from elsewhere, or cannot be read, are not obeyed.
func TestTrackerDoubts(t *testing.T) {
	good := line(time.Second, tick("a", 5, event.QuorumFull))
	for _, c := range []struct {
		name string
		do   func(e *event.Event)
	}{
		{"another boot", func(e *event.Event) { e.Boot = "before" }},
		{"no boot", func(e *event.Event) { e.Boot = "" }},
		{"the future", func(e *event.Event) { e.MonoMS += 10000 }},
		{"no d", func(e *event.Event) { e.D = nil }},
		{"a word for d", func(e *event.Event) { e.D = json.RawMessage(`"x"`) }},
		{"a negative token", func(e *event.Event) {
			e.D = json.RawMessage(`{"quorum":"full","vip":{"holder":"a","token":-1,"ttl_ms":2000}}`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := good
			c.do(&e)
			tr := begun(t, Leader)
			if err := tr.Event(e, 1100*ms); err == nil || tr.Verdict().Mine {
				t.Errorf("error %v, verdict %+v", err, tr.Verdict())
			}
		})
	}
	tr := NewTracker(Config{Boot: "boot", Follow: Leader})
	if tr.Event(good, 1100*ms); tr.Verdict().Mine || tr.Verdict().Reason != "the stream has not said which node this is" {
		t.Errorf("without hello: %+v", tr.Verdict())
	}
	tr = begun(t, Leader)
	tr.Event(good, 1100*ms)
	if got, want := tr.Verdict().Lease, (Lease{5, time.Second, 3 * time.Second}); got != want {
		t.Errorf("the lease is %+v, not %+v: it counts from the making of the line", got, want)
	}
	if tr.Lost("gone"); tr.Verdict().Mine {
		t.Error("the end of the stream leaves the lease")
	}
}

// lent is a verdict for a lease that was made at a time.
func lent(made time.Duration) Verdict {
	return Verdict{Mine: true, Claim: true, Lease: Lease{5, made, made + ttl}}
}

// play is a Machine that was started and is down.
func play(t *testing.T, patient bool) *Machine {
	t.Helper()
	m := New(patient)
	is(t, m.Start(0), Release{1, "pgvip starts"})
	is(t, m.Released(1, nil, 0))
	return m
}

func is(t *testing.T, got []Action, want ...Action) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("wanted done: %#v\nnot %#v", want, got)
	}
}

func conflict(mac string) Report {
	return Report{event.VIPConflict{VIPReport: event.VIPReport{Token: 5, MAC: mac}}}
}

var up = Report{event.VIPUp{VIPReport: event.VIPReport{Token: 5}}}

func down(reason string) Report {
	return Report{event.VIPDown{VIPReport: event.VIPReport{Token: 5, Reason: reason}}}
}

// raised is a Machine that is up since 100 ms, under a lease made at 0.
func raised(t *testing.T) *Machine {
	t.Helper()
	m := play(t, true)
	is(t, m.Rule(lent(0), 0), Probe{2})
	is(t, m.Probed(2, "", 100*ms), Claim{3, 5, 2 * time.Second})
	is(t, m.Claimed(3, nil, 100*ms), up, Announce{})
	return m
}

func TestLife(t *testing.T) {
	m := raised(t)
	is(t, m.Wake(149*ms))
	is(t, m.Wake(150*ms), Announce{})
	is(t, m.Wake(300*ms), Announce{})
	is(t, m.Rule(lent(0), 400*ms)) // another event; nothing new
	is(t, m.Rule(lent(500*ms), 600*ms), Renew{2 * time.Second})
	is(t, m.Wake(2400*ms))
	is(t, m.Wake(2500*ms), Release{4, "nothing was heard for the length of the lease"})
	is(t, m.Rule(lent(500*ms), 2501*ms)) // the Tracker does not know the time
	is(t, m.Released(4, nil, 2510*ms), down("nothing was heard for the length of the lease"))
	if s, _, _ := m.State(); s != Down {
		t.Errorf("it is %s", s)
	}
}

func TestStaleLease(t *testing.T) {
	m := play(t, true)
	is(t, m.Rule(lent(0), 1001*ms)) // more than half is gone
	is(t, m.Rule(lent(10*ms), 1001*ms), Probe{2})
}

func TestNoQuorumToBegin(t *testing.T) {
	m := play(t, true)
	v := lent(0)
	v.Claim = false
	is(t, m.Rule(v, 0))
	is(t, m.Rule(lent(1*ms), 1*ms), Probe{2})
	is(t, m.Rule(v, 2*ms))
	is(t, m.Probed(2, "", 100*ms))
	if s, _, _ := m.State(); s != Down {
		t.Errorf("it is %s", s)
	}
}

func TestForeignHolder(t *testing.T) {
	m := play(t, true)
	is(t, m.Rule(lent(0), 0), Probe{2})
	is(t, m.Probed(2, "mac", 10*ms), conflict("mac"), Probe{3})
	is(t, m.Probed(3, "mac", 20*ms), Probe{4})
	is(t, m.Probed(4, "cam", 30*ms), conflict("cam"), Probe{5})
	is(t, m.Rule(lent(2500*ms), 2500*ms))
	is(t, m.Probed(5, "cam", 2519*ms), Probe{6})
	is(t, m.Probed(6, "cam", 2520*ms), Claim{7, 5, 2 * time.Second}) // 2 s of lease, one in a hundred, half a second
}

func TestForeignHolderKnown(t *testing.T) {
	m := play(t, true)
	v := lent(2200 * ms)
	v.Others = Others{Known: true, Made: 0, TTL: ttl}
	is(t, m.Rule(v, 2300*ms), Probe{2})
	is(t, m.Probed(2, "mac", 2400*ms), conflict("mac"), Probe{3})
	is(t, m.Probed(3, "mac", 2520*ms), Claim{4, 5, 2 * time.Second})
}

func TestImpatient(t *testing.T) {
	m := play(t, false)
	is(t, m.Rule(lent(0), 0), Probe{2})
	is(t, m.Probed(2, "mac", 1*ms), conflict("mac"), Claim{3, 5, 2 * time.Second})
}

func TestDefend(t *testing.T) {
	m := raised(t)
	is(t, m.Wake(150*ms), Announce{})
	is(t, m.Wake(300*ms), Announce{})
	is(t, m.Conflict("mac", 400*ms), conflict("mac")) // a burst has just ended
	is(t, m.Wake(1099*ms))
	is(t, m.Wake(1100*ms), Announce{})
	is(t, m.Rule(lent(5*time.Second), 5*time.Second), Renew{2 * time.Second})
	is(t, m.Conflict("mac", 5*time.Second), Announce{})
	is(t, m.Conflict("mac", 5010*ms))
	is(t, m.LinkUp(5020*ms), Announce{})
	m.NotAnnounced(5030 * ms)
	if m.Next() != 5070*ms {
		t.Errorf("next is %v", m.Next())
	}
}

func TestGivenUpWhileItProbes(t *testing.T) {
	m := play(t, true)
	is(t, m.Rule(lent(0), 0), Probe{2})
	is(t, m.Rule(Verdict{Reason: "no"}, 10*ms), Cancel{})
	is(t, m.Rule(Verdict{Reason: "no"}, 20*ms))
	is(t, m.Probed(2, "", 30*ms))
	if s, _, reason := m.State(); s != Down || reason != "no" {
		t.Errorf("it is %s: %s", s, reason)
	}
}

func TestGivenUpWhileItClaims(t *testing.T) {
	m := play(t, true)
	is(t, m.Rule(lent(0), 0), Probe{2})
	is(t, m.Probed(2, "", 10*ms), Claim{3, 5, 2 * time.Second})
	is(t, m.Rule(Verdict{Reason: "no"}, 20*ms), Cancel{})
	is(t, m.Claimed(3, errors.New("cancelled"), 30*ms), Release{4, "no"})
	is(t, m.Rule(lent(40*ms), 40*ms))
	is(t, m.Released(4, nil, 50*ms), Probe{5})
}

func TestClaimFails(t *testing.T) {
	m := play(t, true)
	fails := func(job int, at time.Duration) []Action {
		t.Helper()
		is(t, m.Probed(job, "", at), Claim{job + 1, 5, 2 * time.Second})
		return m.Claimed(job+1, errors.New("no such device"), at)
	}
	is(t, m.Rule(lent(0), 0), Probe{2})
	is(t, fails(2, 10*ms), Release{4, "it could not be taken"}, Report{event.VIPDown{VIPReport: event.VIPReport{Token: 5, Err: "no such device"}}})
	is(t, m.Released(4, nil, 20*ms))
	is(t, m.Rule(lent(1*time.Second), 1*time.Second))
	is(t, m.Rule(lent(1100*ms), 1100*ms), Probe{5})
	is(t, fails(5, 1110*ms), Release{7, "it could not be taken"}) // reported already
}

func TestReleaseFails(t *testing.T) {
	m := raised(t)
	is(t, m.Rule(Verdict{Reason: "no"}, 200*ms), Release{4, "no"})
	is(t, m.Released(4, errors.New("not permitted"), 210*ms))
	is(t, m.Wake(709*ms))
	is(t, m.Wake(710*ms), Release{5, "no"})
	is(t, m.Released(5, errors.New("not permitted"), 720*ms))
	is(t, m.Wake(1719*ms))
	is(t, m.Wake(1720*ms), Release{6, "no"})
	is(t, m.Released(6, nil, 1730*ms), down("no"))
}

func TestNotRenewed(t *testing.T) {
	m := raised(t)
	is(t, m.NotRenewed(errors.New("no such device"), 200*ms), Release{4, "its lifetime cannot be renewed: no such device"})
}

func TestLifetime(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		-1: time.Second, 0: time.Second, 1: time.Second, time.Second: time.Second, 1001 * ms: 2 * time.Second, 2 * time.Second: 2 * time.Second,
	} {
		if got := Lifetime(left); got != want {
			t.Errorf("%v gives %v, not %v", left, got, want)
		}
	}
}
