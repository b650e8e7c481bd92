package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/certs"
	"github.com/pgcrew/pgcrew/common/certs/certtest"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// limit bounds waits for what should come at once.
const limit = 60 * time.Second

// watched is a Prober before a real server.
type watched struct {
	*Prober
	t    *testing.T
	told chan struct{}

	mu   sync.Mutex
	seen []report.Health // with each thing told
}

// watch runs a Prober until the test ends. more is added to the configuration.
func watch(t *testing.T, s *pgtest.Server, more string, change ...func(*Settings)) *watched {
	t.Helper()
	text := fmt.Sprintf("backend_hostname3 = '%s'\nbackend_port3 = %d\nsr_check_user = 'postgres'\n%s", s.Host(), s.Port(), more)
	c, err := config.Parse("test.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	pw, err := passwd.Parse("pool_passwd", []byte("postgres:"+pgtest.Password+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{t: t, told: make(chan struct{}, 1)}
	now := func() time.Duration {
		boot, _ := event.SystemClock()
		return boot
	}
	secure, err := certs.Prefer(c, func(w string) { t.Error(w) })
	if err != nil {
		t.Fatal(err)
	}
	how := NewSettings(c, c.Backends()[0], pw, nil, secure)
	for _, f := range change {
		f(&how)
	}
	w.Prober = New(how, now, func() {
		w.mu.Lock()
		w.seen = append(w.seen, w.Report().Health)
		w.mu.Unlock()
		select {
		case w.told <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w
}

// until waits for a view that fits. It is woken by what is told, and looks for positions, which are not, now and then.
func (w *watched) until(what string, fits func(report.Backend) bool) report.Backend {
	w.t.Helper()
	timeout := time.After(limit)
	for {
		b := w.Report()
		if fits(b) {
			return b
		}
		select {
		case <-w.told:
		case <-time.After(20 * time.Millisecond):
		case <-timeout:
			w.t.Fatalf("waited %v for %s: %+v", limit, what, b)
		}
	}
}

func is(h report.Health) func(report.Backend) bool {
	return func(b report.Backend) bool { return b.Health == h }
}

func postmasterPID(t *testing.T, s *pgtest.Server) int {
	t.Helper()
	text, err := os.ReadFile(s.Data("postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestStopsAndReturns(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, p, "")
	b := w.until("the first look", is(report.Well))
	if b.ID != 3 || b.Standby || b.LSN == 0 || b.Timeline != 1 || b.SystemID == "" {
		t.Errorf("got %+v", b)
	}
	for name, stop := range map[string]func(){
		"smart": func() { p.Stop(t, pgtest.Smart) }, // which waits for our session, if we let it
		"fast":  func() { p.Stop(t, pgtest.Fast) },
		"killed": func() {
			syscall.Kill(postmasterPID(t, p), syscall.SIGKILL)
			p.Stop(t, pgtest.Immediate) // it has ended already
			// No server starts while a process of the old one uses its shared memory.
			files := postmaster.New(p.Data(""))
			for files.Look().Postmaster != postmaster.Dead {
				time.Sleep(10 * time.Millisecond)
			}
		},
		"all killed": func() { p.Kill(t, syscall.SIGKILL) },
	} {
		stop()
		b = w.until(name, is(report.Refused))
		if b.Err == "" || b.LSN == 0 || b.Fails == 0 {
			t.Errorf("%s: %+v", name, b)
		}
		p.Start(t)
		w.until(name+": back", is(report.Well))
	}
}

// TestDeathIsNoticedAtOnce has nothing but the end of the session to notice it by: no probe is due for an hour.
func TestDeathIsNoticedAtOnce(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, p, "", func(how *Settings) { how.Period, how.Knock, how.Renew = time.Hour, time.Hour, time.Hour })
	w.until("the first look", is(report.Well))
	began := time.Now()
	syscall.Kill(postmasterPID(t, p), syscall.SIGKILL)
	w.until("its end", is(report.Refused))
	t.Logf("noticed after %v, seen as %s: %+v", time.Since(began), w.seen, w.Report())
}

func TestFrozen(t *testing.T) {
	for name, freeze := range map[string]func(p *pgtest.Server, sig syscall.Signal){
		"all of it":           func(p *pgtest.Server, sig syscall.Signal) { p.Kill(t, sig) },
		"the postmaster only": func(p *pgtest.Server, sig syscall.Signal) { syscall.Kill(postmasterPID(t, p), sig) },
	} {
		t.Run(name, func(t *testing.T) {
			p := pgtest.Primary(t)
			w := watch(t, p, "")
			w.until("the first look", is(report.Well))
			freeze(p, syscall.SIGSTOP)
			b := w.until("silence", func(b report.Backend) bool { return b.Health == report.Silent && b.Fails >= 4 })
			if b.For < 1500*time.Millisecond {
				t.Errorf("got %+v", b)
			}
			freeze(p, syscall.SIGCONT)
			w.until("an answer", func(b report.Backend) bool { return b.Health == report.Well && b.Fails == 0 })
		})
	}
}

func TestRecovery(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, p, "")
	w.until("the first look", is(report.Well))
	p.Stop(t, pgtest.Immediate)
	w.until("its end", is(report.Refused))

	// It stays in recovery for as long as the test wants.
	p.Write(t, "hold", "")
	p.Write(t, "standby.signal", "")
	p.Write(t, "postgresql.auto.conf", "restore_command = 'while [ -e hold ]; do sleep 0.05; done; false'\n")
	p.StartAsync(t)
	b := w.until("recovery", is(report.Starting))
	if !strings.Contains(b.Err, "57P03") || b.Fails != 0 {
		t.Errorf("got %+v", b)
	}
	os.Remove(p.Data("hold"))
	w.until("its end", func(b report.Backend) bool { return b.Health == report.Well && b.Standby })
}

// TestCrashOfABackend: the server ends all sessions and recovers, and its postmaster goes on.
func TestCrashOfABackend(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, p, "")
	w.until("the first look", is(report.Well))
	pid, err := strconv.Atoi(p.Query1(t, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
	if err != nil {
		t.Fatal(err)
	}
	ours := "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwatch'"
	before := p.Query1(t, ours)
	syscall.Kill(pid, syscall.SIGKILL)
	p.Until(t, "SELECT ("+ours+") <> "+before, "t")
	w.until("the new session", is(report.Well))
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.seen, report.Silent) || slices.Contains(w.seen, report.Refused) {
		t.Errorf("it was seen as %s", w.seen)
	}
}

func TestFull(t *testing.T) {
	p := pgtest.Primary(t, pgtest.Conf("max_connections = 5\nsuperuser_reserved_connections = 0\nmax_wal_senders = 0"))
	p.Exec(t, "CREATE ROLE ann LOGIN")
	ctx := context.Background()
	w := watch(t, p, "sr_check_user = 'ann'\n")
	w.until("the first look", is(report.Well))
	var taken []*pgconn.PgConn
	for range 4 {
		c, err := pgconn.Connect(ctx, p.ConnString("postgres", "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(ctx)
		taken = append(taken, c)
	}
	w.Hint()
	b := w.until("the refusal beside the session", func(b report.Backend) bool { return strings.Contains(b.Err, "53300") })
	if b.Health != report.Well {
		t.Errorf("got %+v", b)
	}

	late := watch(t, p, "sr_check_user = 'ann'\n")
	late.until("full", is(report.Full))
	taken[0].Close(ctx)
	late.until("room", is(report.Well))
}

func TestWrongPassword(t *testing.T) {
	p := pgtest.Primary(t, pgtest.HBA("host all all all scram-sha-256"))
	w := watch(t, p, "sr_check_password = 'wrong'\n")
	if b := w.until("the refusal", is(report.Denied)); !strings.Contains(b.Err, "28P01") {
		t.Errorf("got %+v", b)
	}
	p.Stop(t, pgtest.Fast)
	w.until("its end", is(report.Refused))
}

func TestWithoutUser(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, p, "sr_check_user = ''\n")
	w.until("an answer", is(report.Well))
	p.Stop(t, pgtest.Fast)
	w.until("its end", is(report.Refused))
}

func TestStandbyAndItsPromotion(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	s := standbys[0]
	pw, sw := watch(t, p, ""), watch(t, s, "")
	upstream := p.Addr()
	b := sw.until("the stream", func(b report.Backend) bool { return b.Upstream == upstream })
	if !b.Standby || b.Timeline != 1 || b.Received == 0 || b.Paused {
		t.Errorf("got %+v", b)
	}
	b = pw.until("the standby's row", func(b report.Backend) bool {
		return len(b.Syncs) == 1 && b.Syncs[0].State == "streaming" && b.Syncs[0].Flush > 0
	})
	if b.Syncs[0].Name != "standby1" || b.Syncs[0].Addr != "127.0.0.1" || b.Syncs[0].Sync != "async" {
		t.Errorf("got %+v", b)
	}

	p.Exec(t, "CREATE TABLE first ()")
	s.WaitReplay(t, p)
	s.PauseReplay(t)
	p.Exec(t, "CREATE TABLE t AS SELECT generate_series(1, 20000) AS n")
	sw.until("pause and lag", func(b report.Backend) bool { return b.Paused && b.Lag > 0 && b.Received > b.LSN+500_000 })
	s.Exec(t, "SELECT pg_wal_replay_resume()")
	sw.until("no lag", func(b report.Backend) bool { return !b.Paused && b.Lag == 0 && b.Received == b.LSN })

	p.Kill(t, syscall.SIGKILL)
	pw.until("the primary's end", is(report.Refused))
	b = sw.until("the end of the stream", func(b report.Backend) bool { return b.Upstream == "" })
	if b.Timeline != 1 || b.Health != report.Well {
		t.Errorf("got %+v", b)
	}
	s.Promote(t)
	sw.Hint()
	if b = sw.until("the promotion", func(b report.Backend) bool { return !b.Standby }); b.Timeline != 2 {
		t.Errorf("got %+v", b)
	}
}

// opened counts connections on our side: the server is some time behind with those that are closed.
type opened struct {
	mu        sync.Mutex
	now, most int
}

func (o *opened) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	o.add(1)
	return &counted{Conn: c, gone: func() { o.add(-1) }}, nil
}

func (o *opened) add(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now += n
	o.most = max(o.most, o.now)
}

func TestAtMostTwoConnections(t *testing.T) {
	p := pgtest.Primary(t)
	open := &opened{}
	w := watch(t, p, "health_check_period = 1\n", func(s *Settings) { s.Login.Dialer = open })
	w.until("the first look", is(report.Well))
	for range 300 {
		w.Hint()
		p.Query1(t, "SELECT 1") // takes as long as one of its own
	}
	open.mu.Lock()
	defer open.mu.Unlock()
	if open.most < 1 || open.most > 2 {
		t.Errorf("%d connections at one time", open.most)
	}
}

func TestSettings(t *testing.T) {
	c, err := config.Parse("test.conf", []byte(`
backend_hostname0 = 'db0'
backend_port0 = 5432
backend_hostname1 = '/sockets'
backend_port1 = 5433
sr_check_user = 'sr'
health_check_user = 'hc'
health_check_period = 5
health_check_timeout = 30
health_check_retry_delay = 1
connect_timeout = 10000
health_check_timeout1 = 2
connect_timeout1 = 700
`))
	if err != nil {
		t.Fatal(err)
	}
	all := c.Backends()
	got := NewSettings(c, all[0], nil, nil, nil)
	if got.Network != "tcp" || got.Address != "db0:5432" || got.Login.User != "sr" || got.Login.Application != "pgwatch" ||
		got.Login.Dial != longestDial || got.Login.Limit != longestAnswer ||
		got.Period != longestPeriod || got.Knock != longestKnock || got.Renew != 5*time.Second || got.Retry != longestRetry {
		t.Errorf("got %+v", got)
	}
	got = NewSettings(c, all[1], nil, nil, nil)
	if got.Network != "unix" || got.Address != "/sockets/.s.PGSQL.5433" || got.Login.Dial != 700*time.Millisecond || got.Login.Limit != 2*time.Second {
		t.Errorf("got %+v", got)
	}
}

// A server may demand TLS whatever pgpool.conf says of it. With ssl on, one that ssl_ca_cert does not vouch for is not asked:
// it lives, and could be anybody.
func TestServerThatDemandsTLS(t *testing.T) {
	ca, stranger := certtest.Issue(t, "authority", nil), certtest.Issue(t, "stranger", nil)
	cert, key := certtest.Files(t, certtest.Issue(t, "server", &ca))
	p := pgtest.Primary(t, pgtest.Conf("ssl = on"), pgtest.HBA("hostssl all all all scram-sha-256"), pgtest.File("server.crt", cert), pgtest.File("server.key", key))
	trusts := func(ca tls.Certificate) string {
		file := filepath.Join(t.TempDir(), "ca.crt")
		if err := os.WriteFile(file, certtest.PEM("CERTIFICATE", ca.Certificate[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		own, ownKey := certtest.Files(t, certtest.Issue(t, "own", &ca))
		for name, text := range map[string][]byte{"own.crt": own, "own.key": ownKey} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return fmt.Sprintf("ssl = on\nssl_ca_cert = '%s'\nssl_cert = '%[2]s/own.crt'\nssl_key = '%[2]s/own.key'\n", file, filepath.Dir(file))
	}
	for name, conf := range map[string]string{"ssl = off": "", "ssl = on": trusts(ca)} {
		watch(t, p, conf).until(name+": it answers", func(b report.Backend) bool { return b.Health == report.Well && b.LSN > 0 })
	}
	b := watch(t, p, trusts(stranger)).until("it is not believed", func(b report.Backend) bool { return b.Health == report.Denied })
	if !strings.Contains(b.Err, "unknown authority") {
		t.Errorf("%+v", b)
	}
}
