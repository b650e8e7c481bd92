package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pcpd/internal/recorded"
)

// outdated is what Pgpool-II goes on to say of the replication of a node that is down, and what the crew says.
var outdated = strings.NewReplacer(
	"down down standby unknown DELAY streaming async", "down down standby unknown DELAY none none",
	"unknown\nReplication Delay      : DELAY\nReplication State      : streaming\nReplication Sync State : async\n",
	"unknown\nReplication Delay      : DELAY\nReplication State      : none\nReplication Sync State : none\n")

// refusals are the questions that pcpd answers better than Pgpool-II, and what it says. Pgpool-II takes a node that does not
// exist for one that it has detached or that it has not heard of yet.
var refusals = map[string]string{
	"pcp_attach_node -n 9": "node id 9 is not valid",
	"pcp_detach_node -n 9": "node id 9 is not valid",

	"pcp_watchdog_info -n 9": "invalid watchdog node ID : 9",
}

// TestLikePgpool has Pgpool-II's own programs ask the crew what they have asked Pgpool-II when it was recorded, in the same
// moments. They print the same but for times, ports and what is counted.
func TestLikePgpool(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs a whole crew")
	}
	w := newWorld(t)
	w.crew()
	for _, m := range moments {
		m.reach(w)
		w.compareAll(m)
	}
}

// compareAll asks the questions of a moment.
func (w *world) compareAll(m moment) {
	w.t.Helper()
	all, err := recorded.Load(filepath.Join(recordings, m.name+".txtar"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, words := range m.asks {
		i := slices.IndexFunc(all, func(r recorded.Recording) bool { return r.Args == words })
		if i < 0 {
			w.t.Fatalf("%s: %s is not recorded: run testdata/record", m.name, words)
		}
		w.compare(m.name, all[i])
	}
}

// compare asks again what was recorded.
func (w *world) compare(moment string, r recorded.Recording) {
	w.t.Helper()
	got := w.debian(w.pcp, r.Args)
	if want, ok := refusals[r.Args]; ok {
		if !strings.Contains(got.Err, want) {
			w.t.Errorf("%s: %s: %+v, wanted %q", moment, r.Args, got, want)
		}
		return
	}
	if r.Args == "pcp_pool_status" {
		w.parameters(got.Out, r.Plain.Out)
		return
	}
	w.same(moment, r.Args, got, r.Plain)
	if isQuestion(r.Args) {
		w.same(moment, r.Args+" -v", w.debian(w.pcp, r.Args, "-v"), r.Verbose)
	}
}

// isQuestion says whether a program may be run twice.
func isQuestion(words string) bool {
	name, _, _ := strings.Cut(words, " ")
	return strings.HasSuffix(name, "_info") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_stats")
}

func (w *world) same(moment, words string, got, want recorded.Output) {
	w.t.Helper()
	for _, x := range []struct{ what, got, want string }{{"prints", got.Out, want.Out}, {"complains", got.Err, want.Err}} {
		if a, b := normal(words, x.got), outdated.Replace(normal(words, x.want)); a != b {
			w.t.Errorf("%s: %s %s\n%s\nwanted\n%s", moment, words, x.what, x.got, x.want)
		}
	}
	if got.Status != want.Status {
		w.t.Errorf("%s: %s ends with %d, wanted %d", moment, words, got.Status, want.Status)
	}
}
