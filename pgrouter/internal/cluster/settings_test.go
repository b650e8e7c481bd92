package cluster

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

func TestSettings(t *testing.T) {
	c, err := config.Parse("test.conf", []byte(`
backend_hostname0 = 'db0'
backend_port0 = 5432
backend_hostname3 = '/sockets'
backend_port3 = 5433
backend_flag3 = 'DISALLOW_TO_FAILOVER'
sr_check_user = 'sr'
sr_check_password = 'srpw'
sr_check_period = 30
health_check_period = 5
health_check_period3 = 0
health_check_user3 = 'hc'
connect_timeout = 2000
health_check_timeout = 7
`))
	if err != nil {
		t.Fatal(err)
	}
	s := newSettings(c, nil, Options{BackendTLS: &tls.Config{}})
	if f := s.follow[0]; f.User != "sr" || f.Password != "srpw" || f.Database != "postgres" || f.every != time.Second ||
		f.Limit != 2*time.Second || f.TLS == nil || f.TLS.ServerName != "db0" || f.socketDirs != nil {
		t.Errorf("follow: %+v", f)
	}
	if h := s.health[0]; h.User != "sr" || h.period != 5*time.Second || h.Limit != 7*time.Second || h.Dial != 2*time.Second {
		t.Errorf("health: %+v", h)
	}
	if h := s.health[3]; h.User != "hc" || h.Password != "" || h.period != 0 || h.TLS != nil {
		t.Errorf("health of node 3: %+v", h)
	}
	if b := s.backends[1]; b.id != 3 || b.allowFailover || b.alwaysPrimary {
		t.Errorf("backend 3: %+v", b)
	}
	n := NewStandalone(c, nil, Options{}).Map().Node(3)
	if n == nil || n.Network != "unix" || n.Address != "/sockets/.s.PGSQL.5433" || n.TCP() != "" || n.Up {
		t.Errorf("node 3: %+v", n)
	}
}

// TestReload needs no server: nothing listens on these ports.
func TestReload(t *testing.T) {
	parse := func(text string) *config.Config {
		c, err := config.Parse("test.conf", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one := "backend_hostname0 = '127.0.0.1'\nbackend_port0 = 1\nbackend_weight0 = 1\n"
	s := NewStandalone(parse(one), nil, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	maps := make(chan *Map, 1000)
	stop := s.Subscribe(func(m *Map) { maps <- m })
	w := &world{Standalone: s, maps: maps}
	w.until(t, "one node, down", func(m *Map) bool { return len(m.Nodes) == 1 && m.Nodes[0].Status == Down })

	reload := func(text string) {
		t.Helper()
		if err := s.Reload(parse(text), nil); err != nil {
			t.Error(err)
		}
	}
	reload(one + "backend_hostname5 = '127.0.0.1'\nbackend_port5 = 2\nbackend_weight5 = 3\n")
	m := w.until(t, "two nodes, down", func(m *Map) bool { return len(m.Nodes) == 2 && m.Nodes[1].Status == Down })
	if m.Nodes[0].Weight != 0.25 || m.Nodes[0].Status != Down || m.Node(5) != &m.Nodes[1] || len(s.Health()) != 2 {
		t.Errorf("got %+v", m.Nodes)
	}
	reload(one)
	w.until(t, "one node again", func(m *Map) bool { return len(m.Nodes) == 1 })

	stop()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
