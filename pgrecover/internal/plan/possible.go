package plan

import (
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// cannotFollow says why the node cannot just be told where to stream from, or "".
func cannotFollow(f Facts) string {
	if why := noCopy(f); why != "" {
		return why
	}
	t, s := f.Target, f.Source
	fork, _ := f.Fork()
	d := f.divergence()
	switch {
	case t.Runs && t.Refused != "":
		return t.Refused
	case t.Runs && !t.Standby:
		return fmt.Sprintf("it runs as a primary on timeline %d, which node %d left at %s", t.History.Timeline, f.To, timeline.LSN(fork.End))
	case !t.Runs && d != nil:
		return fmt.Sprintf("it has %d bytes of WAL behind %s, where the history of node %d leaves timeline %d", d.Bytes(), timeline.LSN(d.From), f.To, fork.Timeline)
	case !t.Standby && fork.End == timeline.NoEnd:
		return fmt.Sprintf("it was a primary on timeline %d, as node %d is: what it has is not known to be the same", t.History.Timeline, f.To)
	case !t.Standby && !t.Clean:
		return "it was a primary and was not shut down in order"
	case t.End < s.Oldest && !t.Restore:
		return fmt.Sprintf("node %d has removed the WAL from %s to %s, and node %d has no restore_command", f.To, timeline.LSN(t.End), timeline.LSN(s.Oldest), f.Node)
	case t.Major <= recoveryConf:
		return "it is older than PostgreSQL 12, whose standbys have a recovery.conf"
	}
	return ""
}

// cannotRewind says why pg_rewind would not do, or "".
func cannotRewind(f Facts) string {
	if why := noCopy(f); why != "" {
		return why
	}
	t, s := f.Target, f.Source
	switch {
	case !t.Hints:
		return "neither data checksums nor wal_log_hints are on, so it cannot know what has changed (set wal_log_hints = on for the next time)"
	case t.NoRewind != "":
		return t.NoRewind
	case s.NoRewind != "":
		return s.NoRewind
	case !s.FullPageWrites:
		return fmt.Sprintf("full_page_writes is off on node %d", f.To)
	case t.History.Timeline == s.History.Timeline:
		return fmt.Sprintf("both call their timeline %d, and pg_rewind takes that for the same", s.History.Timeline)
	case t.Standby && !t.Clean && !t.Runs:
		return "it was a standby and has crashed, so the end of its WAL is not known to be consistent"
	case !f.hasWAL() && !t.Restore:
		return "it has recycled its WAL from before the fork, which pg_rewind reads, and has no restore_command (a larger wal_keep_size keeps it the next time)"
	case !f.hasWAL() && s.Version < restoreWAL:
		return "it has recycled its WAL from before the fork, and pg_rewind fetches it from an archive since PostgreSQL 13 only"
	case t.Checkpoint < s.Oldest && f.hasWAL() && !t.Restore:
		return fmt.Sprintf("node %d has removed the WAL since their last common checkpoint at %s", f.To, timeline.LSN(t.Checkpoint))
	case t.Major <= recoveryConf:
		return "the settings of its recovery.conf cannot be read"
	}
	return ""
}

// restoreWAL is the first version whose pg_rewind has --restore-target-wal.
const restoreWAL = 130000

// hasWAL tells whether the node has its WAL back to the last common checkpoint.
func (f Facts) hasWAL() bool { return f.Target.Checkpoint != 0 }

// noCopy says why the node is not a server of this cluster with something to build on, or "".
func noCopy(f Facts) string {
	t, s := f.Target, f.Source
	major := s.Version / 10000
	_, ok := f.Fork()
	switch {
	case t.Files == Missing:
		return "it has no data"
	case t.Files == Foreign:
		return "its files are no data directory"
	case t.Broken != "":
		return t.Broken
	case t.SystemID != s.SystemID:
		return "its data is that of another cluster"
	case t.Major != major && t.Files == Cluster:
		return fmt.Sprintf("its data is of PostgreSQL %d, and node %d runs %d", t.Major, f.To, major)
	case !ok:
		return fmt.Sprintf("its timeline %d has nothing in common with timeline %d of node %d", t.History.Timeline, s.History.Timeline, f.To)
	}
	return ""
}

// list writes names with commas.
func list(names []string) string { return strings.Join(names, ", ") }
