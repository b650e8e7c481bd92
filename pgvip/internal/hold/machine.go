package hold

import "time"

// A State is where a Machine is.
type State string

// The states.
const (
	Down      State = "down"
	Probing   State = "probing"   // asking the network whether somebody else has the address
	Claiming  State = "claiming"  // taking it
	Up        State = "up"        // having it
	Releasing State = "releasing" // giving it up
)

const (
	claimPause = time.Second            // after a claim that failed
	firstPause = 500 * time.Millisecond // after a release that failed; twice as long after the next
	maxPause   = 10 * time.Second
	quiet      = 10 * time.Second // between two reports of the same conflict
)

// A Machine decides for one address. One goroutine uses it. Methods that take the time return what is to be done.
type Machine struct {
	patient bool

	state   State
	verdict Verdict
	job     int // number of the job that runs, or ran last
	since   time.Duration
	reason  string // why the state is not up

	unwanted     bool          // the job that runs was cancelled
	probedFrom   time.Duration // begin of the probing
	rival        string        // MAC of another holder that was reported
	reported     time.Duration // when
	claimAfter   time.Duration // no claim before
	releaseAgain time.Duration // a release failed, and is tried again then; 0: none did
	releasePause time.Duration // after the next that fails
	dirty        bool          // a release failed, and was not repeated because the address was wanted again
	token        uint64        // of the claim
	told         bool          // vip.up was reported, vip.down is due
	failure      string        // of the newest claim, to report it once
	announce     announcer
}

// New returns a Machine that waits for Start. A patient one leaves the address to a host that still answers for it until the lease
// of an old holder is over.
func New(patient bool) *Machine { return &Machine{patient: patient, releasePause: firstPause} }

// State returns the present state, since when, and why the address is not held.
func (m *Machine) State() (s State, since time.Duration, reason string) {
	return m.state, m.since, m.reason
}

// Verdict returns what the Machine obeys.
func (m *Machine) Verdict() Verdict { return m.verdict }

// Rival returns the MAC of another holder when one was met last; "" when none.
func (m *Machine) Rival() string { return m.rival }

// Start is the first call: whatever an earlier program left is removed.
func (m *Machine) Start(now time.Duration) []Action {
	return m.release("pgvip starts", now)
}

func (m *Machine) enter(s State, reason string, now time.Duration) {
	m.state, m.since, m.reason = s, now, reason
}

// Rule tells what the events add up to, at each event.
func (m *Machine) Rule(v Verdict, now time.Duration) []Action {
	if v.Mine && v.Lease.Remaining(now) <= 0 {
		v = Verdict{Reason: "its lease is over", Others: v.Others}
	}
	renewed := v.Lease != m.verdict.Lease
	m.verdict = v
	switch {
	case !v.Mine:
		return m.stop(v.Reason, now)
	case m.state == Down:
		return m.begin(now)
	case m.state == Up && renewed:
		m.token = v.Lease.Token
		return []Action{Renew{Lifetime(v.Lease.Remaining(now))}}
	}
	return nil
}

// Wake is called when Next is due, and may be called at any time.
func (m *Machine) Wake(now time.Duration) []Action {
	if m.verdict.Mine && m.verdict.Lease.Remaining(now) <= 0 {
		m.verdict = Verdict{Reason: "nothing was heard for the length of the lease", Others: m.verdict.Others}
		return m.stop(m.verdict.Reason, now)
	}
	switch {
	case m.state == Up && m.announce.due(now):
		return []Action{Announce{}}
	case m.state == Releasing && m.releaseAgain > 0 && now >= m.releaseAgain:
		return m.release(m.reason, now)
	}
	return nil
}

// Next returns when to call Wake; 0 when there is nothing to wait for.
func (m *Machine) Next() time.Duration {
	next := time.Duration(0)
	sooner := func(at time.Duration) {
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if m.verdict.Mine {
		sooner(m.verdict.Lease.Deadline)
	}
	if m.state == Up {
		sooner(m.announce.next)
	}
	if m.state == Releasing {
		sooner(m.releaseAgain)
	}
	return next
}

// begin starts to claim when the lease allows it.
func (m *Machine) begin(now time.Duration) []Action {
	if !m.mayBegin(now) || now < m.claimAfter {
		return nil
	}
	m.probedFrom = now
	m.rival, m.reported = "", 0
	m.enter(Probing, "it is looked for in the network", now)
	return []Action{Probe{m.next()}}
}

// mayBegin says whether the lease is good enough to claim the address.
func (m *Machine) mayBegin(now time.Duration) bool {
	return m.verdict.Mine && m.verdict.Claim && m.verdict.Lease.fresh(now)
}

func (m *Machine) next() int {
	m.job++
	m.unwanted = false
	return m.job
}

// stop ends whatever is going on.
func (m *Machine) stop(reason string, now time.Duration) []Action {
	switch m.state {
	case Down:
		if m.dirty {
			return m.release(reason, now)
		}
		m.reason = reason
	case Probing, Claiming:
		m.reason = reason
		if !m.unwanted {
			m.unwanted = true
			return []Action{Cancel{}}
		}
	case Up:
		return m.release(reason, now)
	}
	return nil
}

func (m *Machine) release(reason string, now time.Duration) []Action {
	m.releaseAgain, m.dirty = 0, false
	m.enter(Releasing, reason, now)
	return []Action{Release{m.next(), reason}}
}

// down is the end of a release, or of a probe that is no longer wanted.
func (m *Machine) down(reason string, now time.Duration) []Action {
	m.enter(Down, reason, now)
	if m.verdict.Mine {
		return m.begin(now)
	}
	return m.stop(reason, now)
}
