package plan

import "github.com/pgcrew/pgcrew/pgrecover/internal/timeline"

// Facts are what was seen of a node and of the primary that it is to follow.
type Facts struct {
	Node, To int
	Target   Target
	Source   Source
}

// Source is the primary.
type Source struct {
	SystemID       string
	Version        int    // server_version_num
	Bin            string // folder of its programs; "" when we may not know
	History        timeline.History
	Written        uint64 // its place in the WAL
	Oldest         uint64 // the first byte of WAL that it still has
	FullPageWrites bool
	NoRewind       string // why pg_rewind cannot read from it, or ""
}

// Files is what is where the data directory of the node should be.
type Files string

// The kinds of Files.
const (
	Missing Files = "missing" // nothing, or an empty directory
	Foreign Files = "foreign" // files, but no data directory
	Cluster Files = "cluster"
	Unseen  Files = "unseen" // the host cannot be reached
)

// Target is the node.
type Target struct {
	Files       Files
	NoHost      string // why it is Unseen
	Bin         string // folder of its programs
	Major       int    // of the data directory
	SystemID    string
	SegmentSize uint64
	Broken      string // why its files are of no use any more, or ""

	Runs     bool
	Answers  bool     // it lets us in
	Standby  bool     // it runs as one, or did when it ran last
	Clean    bool     // it was shut down in order; false of one that runs
	Follows  bool     // it streams from the primary, on its timeline
	Refused  string   // of one that runs: why it cannot just be pointed at the primary, or ""
	Standbys []string // application names that stream from it

	History timeline.History // its newest timeline and the past of that
	End     uint64           // the last byte of WAL that it has, at least as far as it is known to have got

	Hints      bool   // data checksums or wal_log_hints are on: pg_rewind needs one of them
	NoRewind   string // why pg_rewind cannot run there, or ""
	Checkpoint uint64 // its last checkpoint in the common history, as far as its WAL still has it; 0 is unknown
	Restore    bool   // it has a restore_command
}

// Fork returns where the node's history and the primary's part; ok is false when they have nothing in common.
func (f Facts) Fork() (timeline.Switch, bool) {
	return timeline.Fork(f.Target.History, f.Source.History)
}

// divergence returns what the node has behind the fork, or nil.
func (f Facts) divergence() *Divergence {
	fork, ok := f.Fork()
	switch {
	case !ok || f.Target.Files == Missing || f.Target.SystemID != f.Source.SystemID:
		return nil
	case fork.End == timeline.NoEnd:
		fork.End = f.Source.Written
	}
	if f.Target.End <= fork.End {
		return nil
	}
	return &Divergence{Timeline: f.Target.History.Timeline, From: fork.End, To: f.Target.End}
}
