package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// returning are the facts of an old primary that has crashed with 1000 bytes which the new one, of timeline 2, does not
// have. changes are made to them.
func returning(changes ...func(*Facts)) Facts {
	f := Facts{Node: 0, To: 1,
		Source: Source{SystemID: "7", Version: 150000, FullPageWrites: true, Written: 9000, Oldest: 1000,
			History: timeline.History{Timeline: 2, Past: []timeline.Switch{{Timeline: 1, End: 5000}}}},
		Target: Target{Files: Cluster, Major: 15, SystemID: "7", History: timeline.History{Timeline: 1}, End: 6000, Hints: true, Checkpoint: 4000}}
	for _, c := range changes {
		c(&f)
	}
	return f
}

func target(change func(*Target)) func(*Facts) { return func(f *Facts) { change(&f.Target) } }
func source(change func(*Source)) func(*Facts) { return func(f *Facts) { change(&f.Source) } }

func TestDecide(t *testing.T) {
	stopped := target(func(t *Target) { t.Clean, t.End = true, 5000 })
	standby := target(func(t *Target) { t.Standby, t.Clean, t.End = true, true, 4500 })
	runs := target(func(t *Target) { t.Runs, t.Answers, t.Standby, t.End = true, true, true, 4500 })
	old := func(f *Facts) { f.Target.Major, f.Source.Version = 11, 110000 }
	stray := target(func(t *Target) { t.Runs, t.Answers = true, true })
	for name, c := range map[string]struct {
		facts Facts
		wish  Wish
		want  Plan
		why   string
	}{
		"crashed primary":               {returning(), Wish{Method: Auto}, Plan{Method: Rewind}, "1000 bytes of WAL behind 0/1388"},
		"stopped in order":              {returning(stopped), Wish{Method: Auto}, Plan{Method: Follow}, "in the history of node 1"},
		"one byte too much":             {returning(stopped, target(func(t *Target) { t.End++ })), Wish{Method: Auto}, Plan{Method: Rewind}, "1 bytes of WAL"},
		"crashed without a byte more":   {returning(target(func(t *Target) { t.End = 5000 })), Wish{Method: Auto}, Plan{Method: Rewind}, "not shut down in order"},
		"stopped standby":               {returning(standby), Wish{Method: Auto}, Plan{Method: Follow}, "in the history"},
		"stopped standby ahead":         {returning(standby, target(func(t *Target) { t.End = 5001 })), Wish{Method: Auto}, Plan{Method: Rewind}, "1 bytes"},
		"crashed standby ahead":         {returning(standby, target(func(t *Target) { t.End, t.Clean = 5001, false })), Wish{Method: Auto}, Plan{Method: Backup}, "not known to be consistent"},
		"standby too late":              {returning(standby, target(func(t *Target) { t.End, t.Hints = 900, false })), Wish{Method: Auto}, Plan{Method: Backup}, "has removed the WAL from 0/384 to 0/3E8"},
		"standby too late, but archive": {returning(standby, target(func(t *Target) { t.End, t.Restore = 900, true })), Wish{Method: Auto}, Plan{Method: Follow}, "in the history"},
		"follows":                       {returning(runs, target(func(t *Target) { t.Follows = true })), Wish{Method: Auto, Script: "x"}, Plan{Method: Nothing}, "node 0 streams from node 1 on timeline 2"},
		"follows, but a copy is wanted": {returning(runs, target(func(t *Target) { t.Follows = true })), Wish{Method: Backup}, Plan{Method: Backup, Stop: true}, "asked for"},
		"stopped standby of 11":         {returning(standby, old), Wish{Method: Auto}, Plan{Method: Backup}, "older than PostgreSQL 12"},
		"crashed primary of 11":         {returning(old), Wish{Method: Auto}, Plan{Method: Backup}, "recovery.conf cannot be read"},
		"running standby":               {returning(runs), Wish{Method: Auto}, Plan{Method: Follow}, "in the history"},
		"running standby refused":       {returning(runs, target(func(t *Target) { t.Refused, t.End = "it is ahead", 5600 })), Wish{Method: Auto}, Plan{Method: Rewind, Stop: true}, "it is ahead"},
		"stray primary":                 {returning(stray), Wish{Method: Auto}, Plan{Method: Rewind, Stop: true}, "runs as a primary on timeline 1, which node 1 left at 0/1388"},
		"empty":                         {returning(target(func(t *Target) { *t = Target{Files: Missing} })), Wish{Method: Auto}, Plan{Method: Backup}, "it has no data"},
		"script":                        {returning(), Wish{Method: Auto, Script: "x"}, Plan{Method: Script}, "recovery_1st_stage_command"},
		"script, host away":             {returning(target(func(t *Target) { *t = Target{Files: Unseen} })), Wish{Method: Script, Script: "x"}, Plan{Method: Script}, "recovery_1st_stage_command"},
		"rewind in spite of a script":   {returning(), Wish{Method: Rewind, Script: "x"}, Plan{Method: Rewind}, "1000 bytes"},
		"other cluster, forced":         {returning(target(func(t *Target) { t.SystemID = "8" })), Wish{Method: Auto, Force: true}, Plan{Method: Backup}, "another cluster"},
		"files of somebody, forced":     {returning(target(func(t *Target) { *t = Target{Files: Foreign} })), Wish{Method: Auto, Force: true}, Plan{Method: Backup}, "no data directory"},
		"other version":                 {returning(target(func(t *Target) { t.Major = 14 })), Wish{Method: Auto}, Plan{Method: Backup}, "PostgreSQL 14"},
		"broken off":                    {returning(stopped, target(func(t *Target) { t.Broken = "an earlier pg_rewind" })), Wish{Method: Auto}, Plan{Method: Backup}, "an earlier pg_rewind"},
		"no hints":                      {returning(target(func(t *Target) { t.Hints = false })), Wish{Method: Auto}, Plan{Method: Backup}, "1000 bytes of WAL behind 0/1388, where the history of node 1 leaves timeline 1; no rewind: neither data checksums nor wal_log_hints"},
		"no pg_rewind":                  {returning(target(func(t *Target) { t.NoRewind = "there is no pg_rewind" })), Wish{Method: Auto}, Plan{Method: Backup}, "there is no pg_rewind"},
		"no rights":                     {returning(source(func(s *Source) { s.NoRewind = "bob may not" })), Wish{Method: Auto}, Plan{Method: Backup}, "bob may not"},
		"no full pages":                 {returning(source(func(s *Source) { s.FullPageWrites = false })), Wish{Method: Auto}, Plan{Method: Backup}, "full_page_writes"},
		"recycled":                      {returning(target(func(t *Target) { t.Checkpoint = 0 })), Wish{Method: Auto}, Plan{Method: Backup}, "has recycled its WAL"},
		"recycled, but archive":         {returning(target(func(t *Target) { t.Checkpoint, t.Restore = 0, true })), Wish{Method: Auto}, Plan{Method: Rewind, RestoreWAL: true}, "1000 bytes"},
		"recycled, archive, old":        {returning(target(func(t *Target) { t.Checkpoint, t.Restore, t.Major = 0, true, 12 }), source(func(s *Source) { s.Version = 120000 })), Wish{Method: Auto}, Plan{Method: Backup}, "since PostgreSQL 13"},
		"removed by the primary":        {returning(source(func(s *Source) { s.Oldest = 4001 })), Wish{Method: Auto}, Plan{Method: Backup}, "their last common checkpoint at 0/FA0"},
		"same timeline number": {returning(target(func(t *Target) {
			t.History = timeline.History{Timeline: 2, Past: []timeline.Switch{{Timeline: 1, End: 4800}}}
		})), Wish{Method: Auto}, Plan{Method: Backup}, "both call their timeline 2"},
		"same timeline": {returning(target(func(t *Target) { t.History, t.Clean = returning().Source.History, true })), Wish{Method: Auto}, Plan{Method: Backup}, "not known to be the same"},
		"nothing in common": {returning(target(func(t *Target) {
			t.History = timeline.History{Timeline: 5, Past: []timeline.Switch{{Timeline: 4, End: 1}}}
		})), Wish{Method: Auto}, Plan{Method: Backup}, "nothing in common"},
	} {
		p, err := Decide(c.facts, c.wish)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Method != c.want.Method || p.Stop != c.want.Stop || p.RestoreWAL != c.want.RestoreWAL || !strings.Contains(p.Why, c.why) {
			t.Errorf("%s: %s, stop %v, restore %v: %s", name, p.Method, p.Stop, p.RestoreWAL, p.Why)
		}
	}
}

func TestDiscards(t *testing.T) {
	p, err := Decide(returning(), Wish{Method: Backup})
	if err != nil || p.Discards == nil || *p.Discards != (Divergence{1, 5000, 6000}) || p.Discards.Bytes() != 1000 {
		t.Errorf("%+v, %v", p, err)
	}
	if text, err := p.Discards.MarshalJSON(); err != nil || string(text) != `{"bytes":1000,"timeline":1,"from":"0/1388","to":"0/1770"}` {
		t.Errorf("%s, %v", text, err)
	}
	p, err = Decide(returning(target(func(t *Target) { t.Clean, t.End = true, 5000 })), Wish{Method: Auto})
	if err != nil || p.Discards != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRefusals(t *testing.T) {
	stray := target(func(t *Target) { t.Runs, t.Answers = true, true })
	for name, c := range map[string]struct {
		facts Facts
		wish  Wish
		want  string
	}{
		"primary with standbys":       {returning(stray, target(func(t *Target) { t.Standbys = []string{"a", "b"} })), Wish{Method: Backup, Force: true}, "runs as a primary, and a, b follow it"},
		"primary of a newer timeline": {returning(stray, target(func(t *Target) { t.History.Timeline = 3 })), Wish{Method: Auto}, "which of them is the right one"},
		"primary for a script":        {returning(stray, target(func(t *Target) { t.History.Timeline = 3 })), Wish{Method: Script, Script: "x"}, "which of them is the right one"},
		"other cluster":               {returning(target(func(t *Target) { t.SystemID = "8" })), Wish{Method: Backup}, "different clusters"},
		"files of somebody":           {returning(target(func(t *Target) { *t = Target{Files: Foreign} })), Wish{Method: Auto}, "is no data directory"},
		"host away":                   {returning(target(func(t *Target) { *t = Target{Files: Unseen, NoHost: "no route"} })), Wish{Method: Auto}, "no route"},
		"no script":                   {returning(), Wish{Method: Script}, "no script is configured"},
		"follow":                      {returning(), Wish{Method: Follow}, "1000 bytes"},
		"rewind":                      {returning(target(func(t *Target) { t.Hints = false })), Wish{Method: Rewind}, "wal_log_hints"},
		"nothing to rewind":           {returning(target(func(t *Target) { t.Clean, t.End = true, 5000 })), Wish{Method: Rewind}, "nothing to rewind"},
	} {
		p, err := Decide(c.facts, c.wish)
		var refusal follow.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Why, c.want) || refusal.Mend == "" {
			t.Errorf("%s: %v, %+v", name, err, p)
		}
	}
}
