package health

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const ms = time.Millisecond

func fatal(code, text string) *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: text}
}

func TestWellServer(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		got := r.Report()
		if !got.Standby || got.LSN != 100 || got.Received != 120 || got.Timeline != 1 || got.SystemID != "7" || got.Upstream != "db0:5432" {
			t.Errorf("got %+v", got)
		}
		told := r.counts().told
		r.set(func() { r.row[1] = "110" })
		r.pass(500 * ms)
		if got := r.want(report.Well, 0, 500*ms); got.LSN != 110 || r.counts().told != told {
			t.Errorf("a new position: %+v, told %d times", got, r.counts().told-told)
		}
		r.set(func() { r.row = []string{"f", "130", "2", "ANY 1 (x)", "", "", "", "", "f"} })
		r.pass(500 * ms)
		got = r.Report()
		if got.Standby || got.Timeline != 2 || got.SyncSet != "ANY 1 (x)" || len(got.Syncs) != 1 || got.Syncs[0].Flush != 90 || r.counts().told != told+1 {
			t.Errorf("promoted: %+v, told %d times", got, r.counts().told-told)
		}
		r.pass(time.Minute)
		r.want(report.Well, 0, time.Minute+time.Second)
		if r.counts().logins < 6 || r.counts().logins > 8 || r.counts().queries < 110 || r.counts().knocks < 40 {
			t.Errorf("in a minute: %d logins, %d queries, %d knocks", r.counts().logins, r.counts().queries, r.counts().knocks)
		}
	})
}

func TestServerDiesAndReturns(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.pass(10250 * ms)
		told := r.counts().told
		r.die()
		r.pass(0)
		r.want(report.Refused, 1, 0) // at once
		if r.counts().told != told+1 {
			t.Errorf("told %d times", r.counts().told-told)
		}
		r.pass(2 * time.Second)
		got := r.want(report.Refused, 9, 2*time.Second)
		if got.LSN != 100 || got.Timeline != 1 {
			t.Errorf("what it said last is forgotten: %+v", got)
		}
		r.set(func() { r.refuse, r.reject = false, fatal("57P03", "the database system is starting up") })
		r.pass(250 * ms)
		r.want(report.Starting, 0, 0)
		r.pass(time.Second)
		r.want(report.Starting, 0, time.Second)
		r.set(func() { r.reject = nil })
		r.pass(250 * ms)
		r.want(report.Well, 0, 0)
	})
}

func TestFrozenServerIsSilent(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.pass(250 * ms)
		r.freeze()
		r.pass(250 * ms) // the question
		r.want(report.Well, 0, 500*ms)
		r.pass(500 * ms)
		r.want(report.Silent, 1, 500*ms) // counted from the question
		r.pass(1500 * ms)
		r.want(report.Silent, 4, 2*time.Second)
		r.thaw()
		r.pass(0)
		r.want(report.Well, 0, 2*time.Second) // since the question that was answered
		if r.counts().logins != 1 {
			t.Errorf("the session was given up: %d logins", r.counts().logins)
		}
		r.pass(500 * ms)
		r.freeze()
		r.pass(time.Minute)
		if got := r.Report(); got.Health != report.Silent || got.For < 59*time.Second || got.Fails < 100 || got.Fails > 130 {
			t.Errorf("after a minute: %+v", got)
		}
		r.thaw()
		r.pass(time.Second)
		if got := r.Report(); got.Health != report.Well {
			t.Errorf("thawed: %+v", got)
		}
	})
}

func TestSlowServerIsNoHang(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.set(func() { r.slow = 800 * ms })
		for range 200 {
			r.pass(100 * ms)
			if got := r.Report(); got.Fails > 3 || got.Health != report.Well && got.For >= 2*time.Second {
				t.Errorf("got %+v", got)
			}
		}
	})
}

func TestServerThatLetsNobodyIn(t *testing.T) {
	for name, c := range map[string]struct {
		answer *pgproto3.ErrorResponse
		want   report.Health
		pause  time.Duration // until a login is tried again
	}{
		"full":   {fatal("53300", "sorry, too many clients already"), report.Full, retryFull},
		"denied": {fatal("28P01", "password authentication failed"), report.Denied, retryDenied},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, ordinary, func(r *rig) {
				// With a session it is well, as far as we can tell.
				r.set(func() { r.reject = c.answer })
				r.Hint()
				r.pass(settle)
				if got := r.Report(); got.Health != report.Well || r.counts().logins != 2 {
					t.Errorf("with a session: %+v, %d logins", got, r.counts().logins)
				}
				r.pass(settle)
				r.cut()
				r.pass(0)
				got := r.want(c.want, 0, 0)
				if !strings.Contains(got.Err, c.answer.Code) {
					t.Errorf("got %q", got.Err)
				}
				before := r.counts().logins
				r.pass(c.pause - ms)
				if got := r.Report(); got.Health != c.want || !strings.Contains(got.Err, c.answer.Code) || r.counts().logins != before || r.counts().knocks == 0 {
					t.Errorf("waiting: %+v, %d logins, %d knocks", got, r.counts().logins-before, r.counts().knocks)
				}
				// Its death is seen by knocking.
				r.die()
				r.pass(time.Second)
				if got := r.Report(); got.Health != report.Refused {
					t.Errorf("dead: %+v", got)
				}
				r.set(func() { r.refuse, r.reject = false, nil })
				r.pass(500 * ms)
				if got := r.Report(); got.Health != report.Well || got.Err != "" {
					t.Errorf("back: %+v", got)
				}
			})
		})
	}
}

// TestFrozenPostmaster: sessions go on, and nobody else gets one.
func TestServerThatTakesNoConnections(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.set(func() { r.refuse = true })
		r.pass(1500 * ms)
		if got := r.Report(); got.Health != report.Refused || got.Fails < 1 {
			t.Errorf("got %+v", got)
		}
		queries := r.counts().queries
		r.pass(3 * time.Second)
		got := r.Report()
		if got.Health != report.Refused || got.Fails < 10 || got.For < 3*time.Second || r.counts().queries == queries {
			t.Errorf("the session's answers make it well: %+v, %d queries", got, r.counts().queries-queries)
		}
		r.set(func() { r.refuse = false })
		r.pass(500 * ms)
		if got := r.Report(); got.Health != report.Well || got.Fails != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestShutdownIsNotHeldUp: a smart shutdown waits until all sessions have ended.
func TestShutdownIsNotHeldUp(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.set(func() { r.reject = fatal("57P03", "the database system is shutting down") })
		r.pass(longestRenew + time.Second)
		if got := r.Report(); got.Health != report.Stopping || r.counts().ours != 0 {
			t.Errorf("got %+v with %d connections", got, r.counts().ours)
		}
	})
}

func TestEndedSessionIsNotADeadServer(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.pass(time.Second)
		told := r.counts().told
		r.cut()
		r.pass(0)
		r.want(report.Well, 0, time.Second)
		if r.counts().told != told || r.counts().logins != 2 {
			t.Errorf("told %d times, %d logins", r.counts().told-told, r.counts().logins)
		}
		// One that always ends does not make us log in all the time.
		for range 1000 {
			r.cut()
			r.pass(ms)
		}
		if r.counts().logins > 45 {
			t.Errorf("%d logins in a second", r.counts().logins)
		}
	})
}

func TestHint(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.pass(200 * ms)
		r.set(func() { r.row[2] = "2" })
		for range 100 {
			r.Hint()
		}
		r.pass(0)
		if got := r.Report(); got.Timeline != 2 || r.counts().logins != 2 {
			t.Errorf("got %+v after %d logins", got, r.counts().logins)
		}
		for range 1000 {
			r.Hint()
			r.pass(ms)
		}
		if r.counts().logins > 45 {
			t.Errorf("%d logins in a second of hints", r.counts().logins)
		}
	})
}

func TestWithoutAUser(t *testing.T) {
	how := ordinary
	how.Login.User = ""
	inBubble(t, how, func(r *rig) {
		r.pass(10 * time.Second)
		if got := r.want(report.Well, 0, 10*time.Second); got.LSN != 0 || r.counts().logins != 0 || r.counts().knocks < 18 {
			t.Errorf("got %+v, %d logins, %d knocks", got, r.counts().logins, r.counts().knocks)
		}
		r.die()
		r.Hint()
		r.pass(0)
		r.want(report.Refused, 1, 0)
	})
}

// Somebody waits for an answer: the server is asked at once and often, over the session that there is.
func TestHurry(t *testing.T) {
	inBubble(t, ordinary, func(r *rig) {
		r.pass(10100 * ms)
		if got := r.Report(); got.Quiet != 100*ms {
			t.Errorf("the last answer came %v ago", got.Quiet)
		}
		before := r.counts()
		r.Hurry(r.view.now() + 200*ms)
		r.pass(0)
		if got := r.Report(); got.Quiet != 0 || r.counts().queries != before.queries+1 {
			t.Errorf("%d queries at once, the last answer %v ago", r.counts().queries-before.queries, got.Quiet)
		}
		for range 20 {
			r.pass(10 * ms)
			r.Hurry(r.view.now() + 50*ms) // it is no reason to hurry more
		}
		if n := r.counts().queries - before.queries; n < 8 || n > 10 {
			t.Errorf("%d queries within 200 ms", n)
		}
		r.pass(time.Second)
		if n := r.counts().queries - before.queries; n > 13 || r.counts().logins != before.logins {
			t.Errorf("%d queries and %d logins, the hurry is over", n, r.counts().logins-before.logins)
		}
		r.freeze()
		r.pass(time.Second)
		if got := r.Report(); got.Quiet < time.Second {
			t.Errorf("a frozen server answered %v ago", got.Quiet)
		}
		r.thaw()
	})
}
