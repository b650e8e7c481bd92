package plan

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// Decide says what is to be done. The error is a follow.Refusal.
func Decide(f Facts, w Wish) (Plan, error) {
	if err := refuse(f, w); err != nil {
		return Plan{}, err
	}
	p := Plan{Stop: f.Target.Runs, Discards: f.divergence(), Facts: f}
	switch {
	case w.Method == Auto && f.Target.Follows:
		p.Method, p.Stop, p.Discards = Nothing, false, nil
		p.Why = fmt.Sprintf("node %d streams from node %d on timeline %d", f.Node, f.To, f.Source.History.Timeline)
		return p, nil
	case w.scripted() && w.Script == "":
		return p, follow.Refusal{Why: "no script is configured", Mend: "set recovery_1st_stage_command, or use another --method"}
	case w.scripted():
		p.Method, p.Why = Script, "recovery_1st_stage_command is configured"
		return p, nil
	case f.Target.Files == Unseen && w.Method != Follow:
		return p, follow.Refusal{Why: fmt.Sprintf("the files of node %d cannot be looked at (%s)", f.Node, f.Target.NoHost),
			Mend: "run this on its host with --local, or make SSH to it work"}
	}
	return choose(f, w, p)
}

// choose takes the cheapest of the ways that are possible and asked for.
func choose(f Facts, w Wish, p Plan) (Plan, error) {
	noFollow := cannotFollow(f)
	if noFollow == "" && (w.Method == Auto || w.Method == Follow) {
		p.Method, p.Stop, p.Discards = Follow, false, nil
		p.Why = "all that it has is in the history of node " + fmt.Sprint(f.To)
		return p, nil
	}
	if w.Method == Follow {
		return p, follow.Refusal{Why: noFollow, Mend: "let the method be chosen (--method auto), or say rewind or backup"}
	}
	noRewind := cannotRewind(f)
	if noFollow == "" {
		noRewind = "there is nothing to rewind: all that it has is in the history of the primary"
	}
	if noRewind == "" && (w.Method == Auto || w.Method == Rewind) {
		p.Method, p.Why = Rewind, noFollow
		p.RestoreWAL = !f.hasWAL()
		return p, nil
	}
	if w.Method == Rewind {
		return p, follow.Refusal{Why: noRewind, Mend: "let the method be chosen (--method auto), or say backup"}
	}
	p.Method = Backup
	switch {
	case w.Method == Backup:
		p.Why = "it was asked for"
	case noRewind == noFollow: // such as an empty directory
		p.Why = noFollow
	default:
		p.Why = noFollow + "; no rewind: " + noRewind
	}
	return p, nil
}

// refuse keeps data safe that nobody asked to discard.
func refuse(f Facts, w Wish) error {
	t := f.Target
	switch {
	case t.Files == Foreign && !w.Force:
		return follow.Refusal{Why: fmt.Sprintf("the data directory of node %d holds files, but is no data directory", f.Node),
			Mend: "correct backend_data_directory, empty it, or say --force"}
	case t.SystemID != "" && t.SystemID != f.Source.SystemID && !w.Force:
		return follow.Refusal{Why: fmt.Sprintf("node %d and node %d are servers of different clusters (system identifiers %s and %s)", f.Node, f.To, t.SystemID, f.Source.SystemID),
			Mend: "correct the configuration, or say --force to replace the data of node " + fmt.Sprint(f.Node)}
	case t.Runs && !t.Standby:
		return refusePrimary(f, w)
	}
	return nil
}

// refusePrimary judges a node that runs as a primary itself: it may be the one that the cluster follows.
func refusePrimary(f Facts, w Wish) error {
	t, s := f.Target, f.Source
	if len(t.Standbys) > 0 {
		return follow.Refusal{Why: fmt.Sprintf("node %d runs as a primary, and %s follow it", f.Node, list(t.Standbys)),
			Mend: fmt.Sprintf("find out which of the two primaries is the right one; when it is node %d, let the others follow that first", f.To)}
	}
	if t.SystemID == s.SystemID && t.History.Timeline >= s.History.Timeline && !w.Force {
		return follow.Refusal{Why: fmt.Sprintf("node %d runs as a primary on timeline %d, and node %d on timeline %d: which of them is the right one cannot be told", f.Node, t.History.Timeline, f.To, s.History.Timeline),
			Mend: fmt.Sprintf("stop node %d, or say --force, when its changes since then may be lost", f.Node)}
	}
	return nil
}
