package hold

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pgcrew/pgcrew/common/event"
)

// Whatever comes in whatever order: the address is never claimed, renewed or kept without a lease that runs, at most one
// job runs, and a claim is released before the next.
func TestRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Duration(0)
		tr := NewTracker(Config{Boot: "boot", Follow: Leader, Ours: func(string) bool { return true }})
		tr.Event(line(0, event.Hello{}), 0)
		m := New(rapid.Bool().Draw(t, "patient"))
		var (
			job     Action        // that runs
			has     bool          // the kernel may have the address
			kept    bool          // because a release failed
			granted time.Duration // end of the newest lease of ours that was told
			highest uint64
		)
		obey := func(actions []Action) {
			for _, a := range actions {
				switch a := a.(type) {
				case Probe, Release:
					if job != nil {
						t.Fatalf("%#v while %#v runs", a, job)
					}
					job = a
				case Claim:
					if job != nil || has && !kept {
						t.Fatalf("%#v while %#v runs, the address there: %v", a, job, has)
					}
					if now >= granted || a.Token < highest {
						t.Fatalf("%#v at %v, the lease ends at %v, the highest token is %d", a, now, granted, highest)
					}
					job, has, kept = a, true, false
				case Renew:
					if now >= granted || now+a.Lifetime > granted+time.Second {
						t.Fatalf("%#v at %v, the lease ends at %v", a, now, granted)
					}
				case Cancel:
					if job == nil {
						t.Fatal("nothing to cancel")
					}
				}
			}
		}
		fails := func() error {
			if rapid.IntRange(0, 4).Draw(t, "fails") == 0 {
				return errors.New("no")
			}
			return nil
		}
		hear := func(d event.Payload, age time.Duration) {
			made := max(0, now-age)
			tr.Event(line(made, d), now)
			if l := tr.Verdict().Lease; tr.Verdict().Mine {
				granted, highest = l.Deadline, max(highest, l.Token)
			}
		}
		step := func() {
			now += time.Duration(rapid.IntRange(0, 600).Draw(t, "ms")) * ms
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0, 1, 2:
				token := highest + uint64(rapid.IntRange(0, 2).Draw(t, "token"))
				if token > 0 && rapid.IntRange(0, 5).Draw(t, "older") == 0 {
					token--
				}
				holder := rapid.SampledFrom([]string{"a", "a", "a", "b", ""}).Draw(t, "holder")
				quorum := rapid.SampledFrom([]event.QuorumState{"full", "full", "full", "edge", "none"}).Draw(t, "quorum")
				hear(tick(holder, token, quorum), time.Duration(rapid.IntRange(0, 2500).Draw(t, "age"))*ms)
			case 3:
				hear(event.VIPRevoke{Token: highest}, 0)
			case 4:
				obey(m.Conflict("mac", now))
				obey(m.LinkUp(now))
			default:
				switch j := job.(type) {
				case Probe:
					job = nil
					obey(m.Probed(j.Job, rapid.SampledFrom([]string{"", "", "mac"}).Draw(t, "mac"), now))
				case Claim:
					job = nil
					obey(m.Claimed(j.Job, fails(), now))
				case Release:
					job = nil
					err := fails()
					has, kept = has && err != nil, err != nil
					obey(m.Released(j.Job, err, now))
				}
			}
			obey(m.Wake(now))
			obey(m.Rule(tr.Verdict(), now))
			if s, _, _ := m.State(); s == Up && now >= granted {
				t.Fatalf("up at %v, the lease ended at %v", now, granted)
			}
		}
		obey(m.Start(0))
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			step()
		}
		// In the end, told no, it gives up whatever it has.
		tr.Lost("the end")
		for range 100 {
			now += 20 * time.Second
			obey(m.Wake(now))
			obey(m.Rule(tr.Verdict(), now))
			switch j := job.(type) {
			case Probe:
				job = nil
				obey(m.Probed(j.Job, "", now))
			case Claim:
				job = nil
				obey(m.Claimed(j.Job, nil, now))
			case Release:
				job, has = nil, false
				obey(m.Released(j.Job, nil, now))
			}
		}
		if s, _, _ := m.State(); s != Down || has {
			t.Fatalf("in the end it is %s, the address there: %v", s, has)
		}
	})
}
