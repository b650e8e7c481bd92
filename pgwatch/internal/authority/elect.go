package authority

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// stagger is the pause between the candidacies of two voters when the leader's process has ended, so that votes do not split.
const stagger = 40 * time.Millisecond

// note sees whether somebody else leads now.
func (c *Core) note() {
	if c.rn == nil {
		return
	}
	s := c.rn.BasicStatus()
	leading := s.RaftState == raft.StateLeader
	if leading && (!c.leading || s.HardState.GetTerm() != c.term) {
		c.elected, c.confirmed = c.now, c.watched
		c.reads, c.planID, c.joinID = nil, 0, 0
		c.holder, c.turn = clustermap.None, 0
		c.plan, c.planAt, c.handAt = Plan{}, 0, c.now
		for _, p := range c.peers {
			p.reported, p.heldAt, p.orders = never, never, nil
		}
	}
	lead := nodeID(s.Lead)
	if c.quarantined != "" {
		leading, lead = false, clustermap.None
	}
	if lead != c.leader || leading != c.leading || s.HardState.GetTerm() != c.term {
		c.askNow = c.askNow || lead != c.leader && lead != clustermap.None
		c.dirty = true
	}
	if lead == clustermap.None && c.leader != clustermap.None {
		c.without = c.watched
	}
	if !leading {
		c.reads = nil
	}
	c.leader, c.leading, c.term = lead, leading, s.HardState.GetTerm()
	if lead != clustermap.None {
		c.campaignAt, c.lost = never, clustermap.None
	}
}

// leads reports whether this node leads and has applied what was decided before its election.
func (c *Core) leads() bool {
	return c.leading && c.appliedTerm == c.term && c.quarantined == "" && c.err == nil
}

// Gone says that the process of a peer has ended. If it led, another one is elected at once.
func (c *Core) Gone(now time.Duration, id clustermap.NodeID) {
	c.clock(now)
	p := c.peer(id)
	if p.gone == never {
		p.gone, c.dirty = c.watched, true
	}
	if c.rn == nil || c.quarantined != "" {
		return
	}
	if c.leading {
		c.rn.ReportUnreachable(raftID(id))
		c.planAt = 0
	}
	if id == c.leader {
		_ = c.rn.ForgetLeader() // now this node votes for others without waiting for the leader's silence
		c.note()
		c.lost, c.campaignAt = id, c.now+time.Duration(c.rank())*stagger
		c.campaign()
	}
}

// campaign stands for election when it is time to. After the loss of a leader it does not ask beforehand whether the
// others would vote (PreVote): those who have not noticed yet would not.
func (c *Core) campaign() {
	if c.now < c.campaignAt || c.rn == nil || c.quarantined != "" || c.careful {
		return
	}
	c.campaignAt = never
	if c.lost != clustermap.None && c.rn.BasicStatus().RaftState == raft.StateFollower {
		c.step(&raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum(), From: new(raftID(c.lost)), To: new(raftID(c.cfg.Self.ID))})
	} else {
		_ = c.rn.Campaign()
	}
	c.note()
}

// yield lets a witness vote as soon as others would. It is twice as patient with a leader that is silent, so that it does
// not stand before them, and raft gives no vote to anybody for as long as its own patience lasts.
func (c *Core) yield(m *raftpb.Message) {
	asked := m.GetType() == raftpb.MsgPreVote || m.GetType() == raftpb.MsgVote
	if asked && c.cfg.Self.Witness && c.leader != clustermap.None && !c.leading && c.watched-c.peer(c.leader).heard >= c.cfg.Election {
		_ = c.rn.ForgetLeader()
		c.note()
	}
}

// Resign hands the leadership to another voter: to, or the best one if to is clustermap.None. It does nothing on a
// node that does not lead; whether it worked is in the View.
func (c *Core) Resign(now time.Duration, to clustermap.NodeID) {
	c.clock(now)
	c.resign(to, true)
}

// resign hands over to a voter that is alive and has the whole log; a witness only if it may be one.
func (c *Core) resign(to clustermap.NodeID, witness bool) {
	if !c.leading {
		return
	}
	best := clustermap.NodeID(clustermap.None)
	c.rn.WithProgress(func(id uint64, kind raft.ProgressType, pr tracker.Progress) {
		n := nodeID(id)
		m := c.standingOf(n)
		if n == c.cfg.Self.ID || kind != raft.ProgressTypePeer || !c.alive(n) || pr.Match < c.hard.GetCommit() || m.Witness && !witness || c.peer(n).leaving {
			return
		}
		if n == to || best == clustermap.None || best != to && before(m, c.standingOf(best)) {
			best = n
		}
	})
	if best != clustermap.None && (to == clustermap.None || to == best) {
		c.rn.TransferLeader(raftID(best))
		c.note()
	}
}

// witnessLeads is how long a witness that was elected leads at least.
const witnessLeads = 10 * time.Second

// handOver gives the leadership away when this node is leaving, or is a witness and others can lead as well.
func (c *Core) handOver() {
	pause := c.cfg.Lease
	if c.leaving {
		pause = c.cfg.Election
	}
	if !c.leaving && !c.cfg.Self.Witness || c.now-c.handAt < pause {
		return
	}
	// A successor counts old leases from its own election, which would make a failover longer. Another node's death leads
	// to both: so a witness waits until it is clear that there is none.
	if !c.leaving && (c.m.Failover != nil || c.now-c.elected < witnessLeads) {
		return
	}
	c.handAt = c.now
	c.resign(clustermap.None, c.leaving)
}

// Leave gives up leadership and vote, for a node that is about to stop. View.Left tells when it is done. The last voter
// stays one, so for it there is nothing to wait for.
func (c *Core) Leave(now time.Duration) {
	c.clock(now)
	c.leaving, c.askNow, c.dirty = true, true, true
	c.resign(clustermap.None, true)
}
