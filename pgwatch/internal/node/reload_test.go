package node

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/health"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const before = `
backend_hostname0 = '127.0.0.1'
backend_port0 = 1
backend_hostname1 = '127.0.0.1'
backend_port1 = 2
sr_check_user = 'checker'
failover_command = 'touch old'
auto_failback = off
`

// load reads a file with that text.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pgpool.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settings are those of a file with that text, of a node without others.
func settings(t *testing.T, text string) *Settings {
	t.Helper()
	s, err := NewSettings(t.Context(), load(t, text), nil, nil, -1, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// observing is a node that looks at its servers and does nothing else.
func observing(t *testing.T) *Node {
	t.Helper()
	n := &Node{Settings: settings(t, before), log: slog.New(slog.DiscardHandler), clock: func() time.Duration { return time.Duration(time.Now().UnixNano()) }}
	n.fresh.Store(n.Config)
	n.planner.policy.Store(failover.FromConfig(n.Config))
	n.observer = newObserver(0, n.clock)
	var err error
	if n.observer.agent, err = agent.New(agent.Config{Dir: t.TempDir(), Log: n.log, Changed: n.observer.ring}); err != nil {
		t.Fatal(err)
	}
	for _, b := range n.Config.Backends() {
		n.observer.set(health.NewSettings(n.Config, b, nil, nil, nil))
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { n.observer.run(ctx, func() uint64 { return 0 }, func(report.Report, bool) {}) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return n
}

func TestReload(t *testing.T) {
	n := observing(t)
	first, second := n.observer.probers[0], n.observer.probers[1]
	restart := n.reload(settings(t, before+`
failover_command = 'echo new > hook.out'
auto_failback = on
health_check_period1 = 100ms
wd_priority = 7
num_init_children = 77
`))
	if !slices.Equal(restart, []string{"wd_priority"}) {
		t.Errorf("a restart is needed for %q; num_init_children is not pgwatch's", restart)
	}
	if !n.planner.policy.Load().AutoFailback {
		t.Error("the rules of failover are the old ones")
	}
	if n.observer.probers[0] != first || n.observer.probers[1] == second {
		t.Error("exactly the server whose settings changed is to be watched anew")
	}
	for end := time.Now().Add(30 * time.Second); slices.ContainsFunc(n.observer.seen(), func(b report.Backend) bool { return b.Health != report.Refused }); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the servers are not looked at: %+v", n.observer.seen())
		}
	}
	t.Chdir(t.TempDir())
	if err := runHook(t.Context(), n.fresh.Load(), n.log, report.Order{Hook: "failover_command"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("hook.out"); err != nil {
		t.Errorf("the old command was run: %v", err)
	}
	if again := n.reload(settings(t, before+"wd_priority = 7\n")); !slices.Equal(again, restart) {
		t.Errorf("after another reload %q wait for a restart", again)
	}
}
