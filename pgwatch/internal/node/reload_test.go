package node

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
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
	n.latest.Store(n.Settings)
	n.crew = &still{}
	n.roster = newRoster(filepath.Join(t.TempDir(), "backends.json"), n.Backends, n.log)
	n.planner.policy.Store(failover.FromConfig(n.Config))
	n.observer = newObserver(0, n.clock)
	var err error
	if n.observer.agent, err = agent.New(agent.Config{Dir: t.TempDir(), Log: n.log, Changed: n.observer.ring}); err != nil {
		t.Fatal(err)
	}
	probes, hands := n.watched()
	n.observer.setAll(probes)
	if err := n.observer.agent.Set(hands); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { n.observer.run(ctx, func() uint64 { return 0 }, func(report.Report, bool) {}) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return n
}

// still is a Crew whose View is what a test says.
type still struct {
	Crew
	view authority.View
}

func (s *still) View() authority.View { return s.view }

// reloaded puts a file with that text in force, which must be taken.
func reloaded(t *testing.T, n *Node, text string) (restart []string) {
	t.Helper()
	restart, err := n.reload(settings(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return restart
}

func TestReload(t *testing.T) {
	n := observing(t)
	first, second := n.observer.probers[0], n.observer.probers[1]
	restart := reloaded(t, n, before+`
failover_command = 'echo new > hook.out'
auto_failback = on
health_check_period1 = 100ms
wd_priority = 7
num_init_children = 77
`)
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
	if err := runHook(t.Context(), n.latest.Load().Config, n.log, report.Order{Hook: "failover_command"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("hook.out"); err != nil {
		t.Errorf("the old command was run: %v", err)
	}
	if again := reloaded(t, n, before+"wd_priority = 7\n"); !slices.Equal(again, restart) {
		t.Errorf("after another reload %q wait for a restart", again)
	}
}

// Servers come and go with the file, but for the primary, and one that stays is where it was.
func TestReloadServers(t *testing.T) {
	n := observing(t)
	first := n.observer.probers[0]
	const third = "backend_hostname2 = '127.0.0.1'\nbackend_port2 = 3\n"
	ids := func() (list []int) {
		for _, b := range n.observer.seen() {
			list = append(list, b.ID)
		}
		slices.Sort(list)
		return list
	}
	locals := func() (list []int) {
		for _, l := range n.observer.agent.Locals() {
			list = append(list, l.ID)
		}
		return list
	}
	if restart := reloaded(t, n, before+third); restart != nil || !slices.Equal(ids(), []int{0, 1, 2}) || !slices.Equal(locals(), []int{0, 1, 2}) {
		t.Errorf("with one more: %v are looked at and %v acted on, %v need a restart", ids(), locals(), restart)
	}
	const moved = third + "backend_port1 = 22\nbackend_port2 = 33\n"
	for range 2 {
		restart := reloaded(t, n, before+moved)
		if !slices.Equal(restart, []string{"backend_port1", "backend_port2"}) {
			t.Errorf("where two have moved %v need a restart", restart)
		}
	}
	if at := n.observer.probers[2].how.Address; at != "127.0.0.1:3" || n.latest.Load().Backends[2].Port != 3 {
		t.Errorf("before the restart it is asked at %s", at)
	}
	n.crew.(*still).view.Map.Primary = &clustermap.Primary{Backend: 1}
	s := settings(t, before+third+"backend_port1 = 0\n")
	if _, err := n.reload(s); err == nil || !strings.Contains(err.Error(), "backend 1 is the primary") || n.latest.Load() == s {
		t.Errorf("the primary is taken out: %v", err)
	}
	if _, err := n.reload(settings(t, before+third+"backend_port1 = 5\nbackend_hostname3 = '127.0.0.1'\nbackend_port3 = 2\n")); err == nil || !strings.Contains(err.Error(), "and so is backend 1") {
		t.Errorf("one is to be where another one stays until a restart: %v", err)
	}
	if restart := reloaded(t, n, before+third+"backend_port0 = 0\n"); restart != nil || !slices.Equal(ids(), []int{1, 2}) || !slices.Equal(locals(), []int{1, 2}) {
		t.Errorf("without one: %v are looked at and %v acted on, %v need a restart", ids(), locals(), restart)
	}
	reloaded(t, n, before+third+"backend_port0 = 9\n")
	if now := n.observer.probers[0]; now == first || now.how.Address != "127.0.0.1:9" {
		t.Errorf("a number that was free is used again: %s", now.how.Address)
	}
}
