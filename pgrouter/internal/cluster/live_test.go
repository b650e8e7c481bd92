package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/probe"
)

// limit bounds waits for what should come at once.
const limit = 60 * time.Second

// world is a running Standalone before real servers.
type world struct {
	*Standalone
	maps chan *Map // each Map that was published
}

// testLog writes a tool's log lines into the test's.
type testLog struct {
	t    testing.TB
	mu   sync.Mutex
	done bool
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done {
		l.t.Logf("%s", b)
	}
	return len(b), nil
}

// watch runs a Standalone over servers until the test ends. more is added to the configuration.
func watch(t *testing.T, more string, o Options, servers ...*pgtest.Server) *world {
	t.Helper()
	c := configure(t, more, servers...)
	pw, err := passwd.Parse("pool_passwd", []byte("postgres:"+pgtest.Password+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := &testLog{t: t}
	o.Log = slog.New(slog.NewTextHandler(out, nil))
	w := &world{Standalone: NewStandalone(c, pw, o), maps: make(chan *Map, 10000)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop := w.Subscribe(func(m *Map) { w.maps <- m })
	t.Cleanup(func() {
		stop()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(limit):
			t.Errorf("Run did not end")
		}
		out.mu.Lock()
		out.done = true
		out.mu.Unlock()
	})
	ready, cancelReady := context.WithTimeout(ctx, limit)
	defer cancelReady()
	if err := w.Ready(ready); err != nil {
		t.Fatalf("not every server was looked at: %v; %s", err, line(w.Map()))
	}
	return w
}

func configure(t *testing.T, more string, servers ...*pgtest.Server) *config.Config {
	t.Helper()
	text := "sr_check_user = 'postgres'\nsr_check_period = 1\nenable_pool_hba = on\n"
	for i, s := range servers {
		text += fmt.Sprintf("backend_hostname%d = '%s'\nbackend_port%d = %d\nbackend_weight%d = 1\nbackend_application_name%d = '%s'\n",
			i, s.Host(), i, s.Port(), i, i, s.Name())
	}
	c, err := config.Parse("test.conf", []byte(text+more))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// until waits for a Map that fits, the present one included.
func (w *world) until(t *testing.T, what string, fits func(*Map) bool) *Map {
	t.Helper()
	if m := w.Map(); fits(m) {
		return m
	}
	timeout := time.After(limit)
	for {
		select {
		case m := <-w.maps:
			if fits(m) {
				return m
			}
		case <-timeout:
			t.Fatalf("waited %v for %s, and the last state is: %s, %+v", limit, what, line(w.Map()), w.Map().Nodes)
		}
	}
}

func TestStandbyStopsAndComesBack(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	w := watch(t, "", Options{}, p, standbys[0])
	m := w.Map()
	if m.Primary != 0 || m.Nodes[1].Role != Standby || !m.Nodes[1].Up || m.Nodes[0].Network != "tcp" || m.Nodes[0].Address != p.Addr() {
		t.Fatalf("got %s, %+v", line(m), m.Nodes)
	}
	w.until(t, "the row of pg_stat_replication", func(m *Map) bool {
		return m.Nodes[1].ReplicationState == "streaming" && m.Nodes[1].SyncState == "async"
	})
	w.Used(1)
	w.until(t, "status up", func(m *Map) bool { return m.Nodes[1].Status == Up })

	for name, stop := range map[string]func(){
		"fast":      func() { standbys[0].Stop(t, pgtest.Fast) },
		"immediate": func() { standbys[0].Stop(t, pgtest.Immediate) },
		"killed":    func() { standbys[0].Kill(t, syscall.SIGKILL) },
	} {
		stop()
		m = w.until(t, name+": down", func(m *Map) bool { return m.Nodes[1].Status == Down && !m.Nodes[1].Up })
		if m.Primary != 0 || m.Nodes[1].Err == "" || m.Nodes[1].PGStatus != "down" {
			t.Errorf("%s: %s, %+v", name, line(m), m.Nodes[1])
		}
		standbys[0].Start(t)
		m = w.until(t, name+": back", func(m *Map) bool { return m.Nodes[1].Up })
		if m.Nodes[1].Status != Waiting || m.Epoch != 1 {
			t.Errorf("%s: %s", name, line(m))
		}
	}
}

func TestReportIsVerified(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	w := watch(t, "", Options{}, p, standbys[0])
	const ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgrouter'"
	before := standbys[0].Query1(t, ours)
	for range 50 {
		w.Report(1, errors.New("the session met an EOF"))
		w.Report(7, errors.New("there is no such node"))
	}
	standbys[0].Until(t, "SELECT ("+ours+") <> "+before, "t")
	if m := w.Map(); !m.Nodes[1].Up || m.Nodes[1].Status != Waiting {
		t.Errorf("reports alone took the node down: %s", line(m))
	}
	// A frozen host sends nothing, so only a report, and then the limits, can tell. connect_timeout is in ms.
	w.Reload(configure(t, "connect_timeout = 300\n", p, standbys[0]), nil)
	standbys[0].Kill(t, syscall.SIGSTOP)
	w.Report(1, errors.New("timeout"))
	w.until(t, "down", func(m *Map) bool { return m.Nodes[1].Status == Down })
	standbys[0].Kill(t, syscall.SIGCONT)
	w.until(t, "back", func(m *Map) bool { return m.Nodes[1].Up })
}

func TestTerminatedConnectionIsNotADeadServer(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, "", Options{}, p)
	for len(w.maps) > 0 {
		<-w.maps
	}
	p.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgrouter'")
	p.Until(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'pgrouter'", "t")
	for len(w.maps) > 0 {
		if m := <-w.maps; m.Primary != 0 || !m.Nodes[0].Up {
			t.Errorf("the primary was given up: %s", line(m))
		}
	}
}

func TestTooManyConnectionsIsNotADeadServer(t *testing.T) {
	p := pgtest.Primary(t)
	p.Exec(t, "CREATE ROLE probe LOGIN CONNECTION LIMIT 1")
	w := watch(t, "sr_check_user = 'probe'\n", Options{}, p)

	// The connection that is there goes on to tell what the server does.
	w.Report(0, errors.New("a login was refused"))
	for end := time.Now().Add(limit); !strings.Contains(p.Log(), "too many connections for role"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the report was not verified:\n%s", p.Log())
		}
	}
	if m := w.Map(); m.Primary != 0 || !m.Nodes[0].Up || m.Nodes[0].Err != "" {
		t.Errorf("got %s, %q", line(m), m.Nodes[0].Err)
	}

	// Without one, what was known stays true.
	p.Exec(t, "ALTER ROLE probe CONNECTION LIMIT 0")
	p.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'probe'")
	m := w.until(t, "the refusal", func(m *Map) bool { return strings.Contains(m.Nodes[0].Err, "53300") })
	if m.Primary != 0 || !m.Nodes[0].Up || m.Nodes[0].Status != Waiting {
		t.Errorf("got %s", line(m))
	}
	p.Exec(t, "ALTER ROLE probe CONNECTION LIMIT 1")
	w.until(t, "no refusal", func(m *Map) bool { return m.Nodes[0].Err == "" && m.Nodes[0].PGRole == Primary })
}

func TestPromotion(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 2)
	w := watch(t, "", Options{}, p, standbys[0], standbys[1])
	if m := w.Map(); m.Primary != 0 || m.Epoch != 1 {
		t.Fatalf("got %s", line(m))
	}
	p.Kill(t, syscall.SIGKILL)
	w.until(t, "no primary", func(m *Map) bool { return m.Primary == -1 && m.Nodes[0].Status == Down })
	standbys[1].Promote(t)
	m := w.until(t, "the new primary", func(m *Map) bool { return m.Primary == 2 })
	if m.Epoch != 2 || m.Nodes[2].Role != Primary || m.Nodes[0].Role != Standby {
		t.Errorf("got %s", line(m))
	}
	p.Start(t) // as a primary that knows nothing of it
	m = w.until(t, "the old primary", func(m *Map) bool { return m.Nodes[0].PGRole == Primary })
	if m.Primary != 2 || m.Epoch != 2 || m.Nodes[0].Up || m.Nodes[0].Role != Standby {
		t.Errorf("got %s", line(m))
	}

	// A router that starts now, and knows nothing either, takes the one that was promoted last.
	late := watch(t, "", Options{}, p, standbys[0], standbys[1])
	if m := late.Map(); m.Primary != 2 || m.Nodes[0].Up {
		t.Errorf("started afterwards: %s", line(m))
	}
}

func TestLag(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	w := watch(t, "", Options{}, p, standbys[0])
	standbys[0].PauseReplay(t)
	p.Exec(t, "CREATE TABLE t AS SELECT generate_series(1, 20000) AS n")
	m := w.until(t, "lag", func(m *Map) bool { return m.Nodes[1].LagBytes > 500_000 && m.Nodes[1].LagTime > 0 })
	if !m.Nodes[1].Up {
		t.Errorf("a lagging standby is not down: %s", line(m))
	}
	standbys[0].Exec(t, "SELECT pg_wal_replay_resume()")
	w.until(t, "no lag", func(m *Map) bool { return m.Nodes[1].LagBytes == 0 })
}

func TestHealthCheck(t *testing.T) {
	p := pgtest.Primary(t)
	w := watch(t, "health_check_period = 1\nhealth_check_user = 'postgres'\nhealth_check_max_retries = 1\nhealth_check_timeout = 1\n", Options{}, p)
	stats := func(what string, fits func(HealthStats) bool) {
		t.Helper()
		for end := time.Now().Add(limit); !fits(w.Health()[0]); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %+v", what, w.Health()[0])
			}
		}
	}
	stats("successes", func(h HealthStats) bool {
		return h.Success >= 2 && h.Fail == 0 && h.MaxDuration >= h.MinDuration && h.MinDuration > 0 && !h.LastSuccess.IsZero()
	})
	// The follower's limits are longer, so this is the health check's work.
	p.Kill(t, syscall.SIGSTOP)
	m := w.until(t, "down", func(m *Map) bool { return m.Nodes[0].Status == Down })
	if m.Primary != -1 || !strings.HasPrefix(m.Nodes[0].Err, "health check") {
		t.Errorf("got %s, %q", line(m), m.Nodes[0].Err)
	}
	if h := w.Health()[0]; h.Fail != 1 || h.Retries != 1 || h.MaxRetries != 1 || h.MaxDuration < 2*time.Second {
		t.Errorf("got %+v", h)
	}
	p.Kill(t, syscall.SIGCONT)
	w.until(t, "back", func(m *Map) bool { return m.Primary == 0 })
	p.Stop(t, pgtest.Immediate)
	stats("skips of a server that is known to be gone", func(h HealthStats) bool { return h.Skip > 0 })
}

func TestUnixSocket(t *testing.T) {
	p := pgtest.Primary(t)
	here := Options{SocketDirs: []string{"/nonexistent", p.SocketDir()}}
	m := watch(t, "", here, p).Map()
	if n := m.Nodes[0]; n.Network != "unix" || n.Address != fmt.Sprintf("%s/.s.PGSQL.%d", p.SocketDir(), p.Port()) || n.TCP() != p.Addr() {
		t.Errorf("got %+v", n)
	}
	for name, more := range map[string]string{
		"backend_unix_socket is off": "backend_unix_socket = off\n",
		"the server checks clients":  "enable_pool_hba = off\n",
	} {
		if n := watch(t, more, here, p).Map().Nodes[0]; n.Network != "tcp" || n.Address != p.Addr() {
			t.Errorf("%s: got %+v", name, n)
		}
	}

	strict := pgtest.Primary(t, pgtest.HBA("host all all all scram-sha-256"))
	w := watch(t, "", Options{SocketDirs: []string{strict.SocketDir()}}, strict)
	if n := w.Map().Nodes[0]; n.Network != "tcp" || n.Role != Primary {
		t.Errorf("a socket that trusts where TCP does not: got %+v", n)
	}
}

func TestSocketOfAnotherServer(t *testing.T) {
	a, b := pgtest.Primary(t), pgtest.Primary(t)
	ctx := context.Background()
	l := probe.Login{User: "postgres", Database: "postgres", Limit: limit}
	c, err := l.Connect(ctx, "tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := c.Identify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	path, why := nearer(ctx, l, c, id, "127.0.0.1", b.Port(), []string{b.SocketDir()})
	if path != "" || why == nil || !strings.Contains(why.Error(), "another server") {
		t.Errorf("got %q, %v", path, why)
	}
	if got := socketFiles(ctx, "192.0.2.1", b.Port(), []string{b.SocketDir()}); got != nil {
		t.Errorf("the socket was taken for that of another host: %v", got)
	}
}

func TestWrongPasswordIsNotADeadServer(t *testing.T) {
	p := pgtest.Primary(t, pgtest.HBA("host all all all scram-sha-256"))
	w := watch(t, "sr_check_password = 'wrong'\n", Options{}, p)
	m := w.Map()
	if m.Primary != 0 || !m.Nodes[0].Up || !strings.Contains(m.Nodes[0].Err, "28P01") || !strings.Contains(m.Nodes[0].Err, "assumed") {
		t.Errorf("got %s, %q", line(m), m.Nodes[0].Err)
	}
}
