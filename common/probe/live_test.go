package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/certs/certtest"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/sockets"
)

// limit bounds waits for what should come at once.
const limit = 60 * time.Second

func open(t *testing.T, s *pgtest.Server, user string) *Conn {
	t.Helper()
	l := Login{User: user, Password: pgtest.Password, Database: "postgres", Application: "probing", Limit: limit}
	c, err := l.Connect(context.Background(), "tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sample waits for a sample that fits.
func sample(t *testing.T, c *Conn, what string, fits func(*Sample) bool) *Sample {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		s, err := c.Sample(context.Background())
		if err == nil && fits(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s: %+v, %v", limit, what, s, err)
		}
	}
}

func TestSampleOfAClusterAndOfItsPromotion(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1, pgtest.Conf("synchronous_standby_names = 'ANY 1 (standby1)'\nsynchronous_commit = local"))
	s := standbys[0]
	pc, sc := open(t, p, "postgres"), open(t, s, "postgres")
	upstream := fmt.Sprintf("127.0.0.1:%d", p.Port())

	got := sample(t, pc, "the standby's row", func(s *Sample) bool {
		return len(s.Replicas) == 1 && s.Replicas[0].State == "streaming" && s.Replicas[0].Sync == "quorum" && s.Replicas[0].Flush > 0
	})
	if got.Standby || got.Timeline != 1 || got.LSN == 0 || got.SyncNames != "ANY 1 (standby1)" || got.Upstream != "" || got.Received != 0 ||
		got.Replicas[0].Name != "standby1" || got.Replicas[0].Addr != "127.0.0.1" {
		t.Errorf("primary: %+v", got)
	}
	got = sample(t, sc, "the stream", func(s *Sample) bool { return s.Upstream != "" })
	if !got.Standby || got.Timeline != 1 || got.LSN == 0 || got.Received < got.LSN || got.Upstream != upstream || got.Paused || got.Replicas != nil {
		t.Errorf("standby: %+v", got)
	}

	p.Exec(t, "CREATE TABLE first ()")
	s.WaitReplay(t, p)
	s.PauseReplay(t)
	p.Exec(t, "CREATE TABLE t AS SELECT generate_series(1, 20000) AS n")
	sample(t, sc, "pause and lag", func(s *Sample) bool { return s.Paused && s.Received > s.LSN+500_000 && s.Lag > 0 })
	s.Exec(t, "SELECT pg_wal_replay_resume()")
	sample(t, sc, "no lag", func(s *Sample) bool { return !s.Paused && s.Received == s.LSN && s.Lag == 0 })

	id, err := sc.Identify(context.Background())
	if err != nil || id.System == "" || id.Started == "" || id.System != p.Query1(t, "SELECT system_identifier FROM pg_control_system()") {
		t.Errorf("identity %+v, %v", id, err)
	}

	p.Kill(t, syscall.SIGKILL)
	sample(t, sc, "the end of the stream", func(s *Sample) bool { return s.Upstream == "" && s.Timeline == 1 && s.Received >= s.LSN })
	s.Promote(t)
	got = sample(t, sc, "the promotion", func(s *Sample) bool { return !s.Standby })
	if got.Timeline != 2 {
		t.Errorf("timeline %d right after the promotion, want 2", got.Timeline)
	}
}

func TestStandbyOfAPromotedServerShowsTheNewTimeline(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	second := standbys[0].Standby(t)
	c := open(t, second, "postgres")
	sample(t, c, "the old timeline", func(s *Sample) bool { return s.Timeline == 1 && s.Upstream != "" })
	p.Stop(t, pgtest.Fast)
	standbys[0].Promote(t)
	sample(t, c, "the new timeline", func(s *Sample) bool { return s.Timeline == 2 && s.Upstream != "" })
}

func TestUnprivilegedRole(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	p.Exec(t, "CREATE ROLE nobody LOGIN")
	standbys[0].WaitReplay(t, p)
	got := sample(t, open(t, p, "nobody"), "an answer", func(s *Sample) bool { return len(s.Replicas) == 1 })
	if got.Standby || got.Timeline != 1 || got.LSN == 0 || got.Replicas[0].State != "" {
		t.Errorf("primary: %+v", got)
	}
	got = sample(t, open(t, standbys[0], "nobody"), "an answer", func(*Sample) bool { return true })
	if !got.Standby || got.Timeline != 1 || got.LSN == 0 || got.Received == 0 || got.Upstream != "" {
		t.Errorf("standby: %+v", got)
	}
	p.Exec(t, "REVOKE EXECUTE ON FUNCTION pg_control_checkpoint(), pg_control_system() FROM PUBLIC")
	standbys[0].WaitReplay(t, p)
	c := open(t, standbys[0], "nobody")
	if got = sample(t, c, "an answer", func(*Sample) bool { return true }); got.Timeline != 0 || !got.Standby {
		t.Errorf("without any right: %+v", got)
	}
	if id, err := c.Identify(context.Background()); err != nil || id.System != "" || id.Started == "" {
		t.Errorf("without any right: %+v, %v", id, err)
	}
}

func TestIdleEndsWithTheSession(t *testing.T) {
	p := pgtest.Primary(t)
	c := open(t, p, "postgres")
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := c.Idle(short); err != nil {
		t.Errorf("the session has not ended: %v", err)
	}
	if _, err := c.Sample(context.Background()); err != nil {
		t.Errorf("after Idle: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Idle(context.Background()) }()
	p.Kill(t, syscall.SIGKILL)
	select {
	case err := <-ended:
		if Judge(err) != Refused {
			t.Errorf("got %v", err)
		}
		if _, err = c.Sample(context.Background()); Judge(err) != Refused {
			t.Errorf("afterwards: %v", err)
		}
	case <-time.After(limit):
		t.Fatal("the end of the server went unnoticed")
	}
}

func TestKnock(t *testing.T) {
	p := pgtest.Primary(t)
	ctx := context.Background()
	k := Knocker{Login: Login{Limit: limit}, Network: "tcp", Address: p.Addr()}
	if err := k.Knock(ctx); err != nil {
		t.Error(err)
	}
	p.Kill(t, syscall.SIGSTOP)
	short := Knocker{Login: Login{Limit: 100 * time.Millisecond}, Network: "tcp", Address: p.Addr()}
	if err := short.Knock(ctx); Judge(err) != Silent || !strings.Contains(err.Error(), p.Addr()) {
		t.Errorf("frozen: %v", err)
	}
	p.Kill(t, syscall.SIGCONT)
	p.Kill(t, syscall.SIGKILL)
	if err := k.Knock(ctx); Judge(err) != Refused {
		t.Errorf("dead: %v", err)
	}
}

// A server is knocked at every second, so neither a knock nor a login may cost it a line of its log.
func TestNoLineInTheLog(t *testing.T) {
	cert, key := certtest.Files(t, certtest.Issue(t, "server", nil))
	for name, opts := range map[string][]pgtest.Option{
		"without TLS": nil,
		"with TLS":    {pgtest.Conf("ssl = on"), pgtest.File("server.crt", cert), pgtest.File("server.key", key)},
	} {
		t.Run(name, func(t *testing.T) {
			p := pgtest.Primary(t, opts...)
			ctx := context.Background()
			l := Login{User: "postgres", Password: pgtest.Password, Database: "postgres", Limit: limit, TLS: &tls.Config{InsecureSkipVerify: true}}
			for network, address := range map[string]string{"tcp": p.Addr(), "unix": sockets.File(p.SocketDir(), p.Port())} {
				k := Knocker{Login: l, Network: network, Address: address}
				for range 3 {
					if err := k.Knock(ctx); err != nil {
						t.Error(err)
					}
				}
				c, err := l.Connect(ctx, network, address)
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
			}
			p.Stop(t, pgtest.Smart) // waits for the processes that were knocked at
			own := regexp.MustCompile(`starting PostgreSQL|listening on|database system|shutdown request|background worker|shutting down|checkpoint|^log of|^$`)
			for line := range strings.Lines(p.Log()) {
				if !own.MatchString(strings.TrimSpace(line)) {
					t.Errorf("in the log of the server: %s", line)
				}
			}
		})
	}
}

func TestIsLocal(t *testing.T) {
	for host, want := range map[string]bool{"/run/x": true, "127.0.0.1": true, "::1": true, "192.0.2.1": false, "no.such.host.invalid": false} {
		if got := IsLocal(context.Background(), host); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}

func TestTLS(t *testing.T) {
	cert, key := certtest.Files(t, certtest.Issue(t, "server", nil))
	with := []pgtest.Option{pgtest.Conf("ssl = on"), pgtest.File("server.crt", cert), pgtest.File("server.key", key)}
	secure := &tls.Config{InsecureSkipVerify: true}
	for name, c := range map[string]struct {
		opts   []pgtest.Option
		secure *tls.Config
		want   string // of pg_stat_ssl.ssl, or in the error
	}{
		"only with TLS":             {append(with, pgtest.HBA("hostssl all all all scram-sha-256")), secure, "t"},
		"only with TLS, not had":    {append(with, pgtest.HBA("hostssl all all all scram-sha-256")), nil, "no pg_hba.conf entry"},
		"only without TLS":          {append(with, pgtest.HBA("hostnossl all all all scram-sha-256")), secure, "f"},
		"the server has none":       {[]pgtest.Option{pgtest.HBA("host all all all scram-sha-256")}, secure, "f"},
		"its certificate is a fake": {with, &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()}, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pgtest.Primary(t, c.opts...)
			l := Login{User: "postgres", Password: pgtest.Password, Database: "postgres", Limit: limit, TLS: c.secure}
			conn, err := l.Connect(context.Background(), "tcp", p.Addr())
			if err != nil {
				if !strings.Contains(err.Error(), c.want) || Judge(err) != Denied {
					t.Errorf("%v, verdict %d", err, Judge(err))
				}
				return
			}
			defer conn.Close()
			rows, err := conn.rows(context.Background(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
			if err != nil || string(rows[0][0]) != c.want || conn.Method != 10 {
				t.Errorf("ssl %s, method %d, %v", rows, conn.Method, err)
			}
		})
	}
	t.Run("nobody answers in time", func(t *testing.T) {
		p := pgtest.Primary(t)
		p.Kill(t, syscall.SIGSTOP)
		defer p.Kill(t, syscall.SIGCONT)
		_, err := Login{User: "postgres", Database: "postgres", Limit: 100 * time.Millisecond, TLS: secure}.Connect(context.Background(), "tcp", p.Addr())
		if Judge(err) != Silent {
			t.Errorf("%v, verdict %d", err, Judge(err))
		}
	})
}
