package failover

import "time"

// Policy is what the operator wants.
type Policy struct {
	Backends map[int]Rules

	ShutdownFails  bool // failover_on_backend_shutdown: a primary that was stopped in order is lost at once
	AnyReport      bool // not failover_require_consensus: one observer is enough where no process table can be read
	DetachFalse    bool // detach_false_primary: a second primary is stopped
	AutoFailback   bool
	AutoRecover    bool          // auto_recover
	RecoverScript  bool          // recovery_1st_stage_command is set
	FailbackPause  time.Duration // auto_failback_interval
	SearchPrimary  time.Duration // search_primary_node_timeout; 0 without limit
	MinInterval    time.Duration // between two failovers that are not certain
	MaxLag         uint64        // failover_max_lag: bytes that may be lost
	FailoverHook   bool          // failover_command is set
	FailbackHook   bool
	FollowHook     bool
	Lease, Drain   time.Duration // of a serve lease; that transactions have before a switchover
	StartGrace     time.Duration // a server may be in recovery for so long
	SwitchoverStop time.Duration // an orderly stop may take so long
}

// Rules are those of one backend.
type Rules struct {
	NoFailover    bool          // it is never given up by ourselves
	AlwaysPrimary bool          // it is the primary without being asked
	Retries       int           // health_check_max_retries
	Upper         time.Duration // after which Pgpool-II would surely have given up a server that refuses
	Data          string        // data directory, for hooks
	Name          string        // application_name of its receiver
}

// Times that no parameter sets.
const (
	freshFor     = time.Second             // a report this old still tells how things are
	silentFor    = 1250 * time.Millisecond // a node that has not reported for so long may be gone; bursts of loss are shorter
	slip         = 250 * time.Millisecond  // calls come each 100 ms: this node was starved when they are further apart
	hangProbes   = 4                       // of its own node
	hangFor      = 2500 * time.Millisecond // for so long nobody had an answer from it; pauses of a busy host are shorter
	hostFor      = time.Second             // the same of a host whose node has been silent for a lease already
	fenceWait    = 2 * time.Second         // for the node of the old primary, before its leases have to do
	recruitWait  = time.Second             // for the slowest standby
	reviveWait   = 5 * time.Second         // for one that has fallen and may have more than the others
	replayRest   = 200 * time.Millisecond  // after which a replay is at its end: the last record may be torn
	replayCap    = 10 * time.Second
	hookLimit    = 10 * time.Second // for failover_command to bring up a primary
	hookSettle   = 2 * time.Second  // from its end to a primary that is seen
	followLimit  = 10 * time.Minute // for follow_primary_command; it may copy a whole server
	promoteLimit = 30 * time.Second // before another candidate is tried
	giveUpAfter  = 5 * time.Second  // without any candidate, when the old primary could go on
	settleFor    = 30 * time.Second // for standbys to follow
	startWait    = 5 * time.Second  // for a primary to start again after a failover that was given up
	lonelyFor    = 3 * time.Second  // for a standby to find the primary by itself
	falseFor     = time.Second      // a second primary must be seen for so long
	lookFor      = 5 * time.Second  // at the start, for every backend to be looked at
	jobSilence   = 10 * time.Second // for a node to begin a recovery, to be heard again, or for what it did to be seen
	strandedFor  = 5 * time.Second  // for a host to be lost before what runs there is given up
	brokenFor    = 5 * time.Second  // before a server is recovered without being asked for
	strayFor     = 30 * time.Second // for a standby that lives to find its way to the primary
	trialPause   = 10 * time.Second // after a recovery that nobody asked for and that failed; twice as long each time
	trialCap     = 10 * time.Minute
)

// Default returns the Policy of a file that says nothing.
func Default() *Policy {
	return &Policy{Backends: map[int]Rules{}, FailbackPause: time.Minute, SearchPrimary: 5 * time.Minute, MinInterval: time.Minute, MaxLag: 16 << 20,
		Lease: 2 * time.Second, Drain: time.Second, StartGrace: time.Minute, SwitchoverStop: 10 * time.Second}
}
