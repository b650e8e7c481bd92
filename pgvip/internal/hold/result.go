package hold

import (
	"time"

	"github.com/pgcrew/pgcrew/common/event"
)

// Probed is the answer to a Probe: the MAC of another host that has the address, or "".
func (m *Machine) Probed(job int, mac string, now time.Duration) []Action {
	switch {
	case job != m.job || m.state != Probing:
		return nil
	case m.unwanted:
		return m.down(m.reason, now)
	case !m.mayBegin(now):
		return m.down("the lease was not renewed while it was looked for in the network", now)
	case mac == "":
		m.rival = ""
		return m.claim(now)
	case now >= m.patience():
		return append(m.conflict(mac, now), m.claim(now)...)
	}
	m.reason = "another host has it: " + mac
	return append(m.conflict(mac, now), Probe{m.next()})
}

func (m *Machine) claim(now time.Duration) []Action {
	m.enter(Claiming, "it is being taken", now)
	m.token = m.verdict.Lease.Token
	return []Action{Claim{m.next(), m.token, Lifetime(m.verdict.Lease.Remaining(now))}}
}

// patience returns until when the address is left to somebody who answers for it. A patient machine waits until the lease of the
// old holder, and the kernel's lifetime that went with it, have surely passed: then whoever answers has no right to it.
func (m *Machine) patience() time.Duration {
	if !m.patient {
		return m.probedFrom
	}
	if o := m.verdict.Others; o.Known {
		return over(o.Made, o.TTL)
	}
	return over(m.probedFrom, m.verdict.Lease.Deadline-m.verdict.Lease.Made)
}

// conflict reports another holder, but not the same one again and again.
func (m *Machine) conflict(mac string, now time.Duration) []Action {
	if mac == "" || mac == m.rival && now < m.reported+quiet {
		return nil
	}
	m.rival, m.reported = mac, now
	return []Action{Report{event.VIPConflict{VIPReport: event.VIPReport{Token: m.verdict.Lease.Token, MAC: mac}}}}
}

// Claimed is the answer to a Claim.
func (m *Machine) Claimed(job int, err error, now time.Duration) []Action {
	if job != m.job || m.state != Claiming {
		return nil
	}
	if m.unwanted {
		return m.release(m.reason, now)
	}
	if err != nil {
		// What a claim leaves behind that failed half-way must not stay.
		actions := m.release("it could not be taken", now)
		m.claimAfter = now + claimPause
		if m.failure != err.Error() {
			m.failure = err.Error()
			actions = append(actions, Report{event.VIPDown{VIPReport: event.VIPReport{Token: m.token, Err: m.failure}}})
		}
		return actions
	}
	m.failure, m.told = "", true
	m.enter(Up, "", now)
	m.announce.begin(now)
	return append([]Action{Report{event.VIPUp{VIPReport: event.VIPReport{Token: m.token}}}}, m.Wake(now)...)
}

// Released is the answer to a Release. One that failed is tried again, unless the address is wanted by now.
func (m *Machine) Released(job int, err error, now time.Duration) []Action {
	if job != m.job || m.state != Releasing {
		return nil
	}
	if err != nil && !m.mayBegin(now) {
		m.releaseAgain = now + m.releasePause
		m.releasePause = min(2*m.releasePause, maxPause)
		return nil
	}
	m.releasePause, m.dirty = firstPause, err != nil
	reason := m.reason
	var actions []Action
	if m.told {
		actions = append(actions, Report{event.VIPDown{VIPReport: event.VIPReport{Token: m.token, Reason: reason}}})
	}
	m.told = false
	return append(actions, m.down(reason, now)...)
}

// NotRenewed says that the kernel did not take the new lifetime: the address is gone, or will go.
func (m *Machine) NotRenewed(err error, now time.Duration) []Action {
	if m.state != Up {
		return nil
	}
	return m.release("its lifetime cannot be renewed: "+err.Error(), now)
}

// NotAnnounced says that the neighbours could not be told. It is tried again before its time.
func (m *Machine) NotAnnounced(now time.Duration) { m.announce.soon(now) }

// Conflict says that another host was heard to claim the address for itself.
func (m *Machine) Conflict(mac string, now time.Duration) []Action {
	if m.state != Up {
		return nil
	}
	m.announce.again(now)
	return append(m.conflict(mac, now), m.Wake(now)...)
}

// LinkUp says that the link works again: the neighbours, or a switch, may have forgotten the address.
func (m *Machine) LinkUp(now time.Duration) []Action {
	if m.state != Up {
		return nil
	}
	m.announce.begin(now)
	return m.Wake(now)
}
