package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
)

func TestPassword(t *testing.T) {
	key := passwd.NewKey("key", []byte("postgres"))
	pw, err := passwd.Parse("pool_passwd", []byte("ann:TEXTfromfile\nbob:md5d145a5534fd1a11e152149ae1c4434d2\ncid:AESbPro4vs9cT622am0+RjU3Q==\n"), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, user, setting, want string }{
		{"nobody knows it", "eve", "", ""},
		{"a hash logs nobody in", "bob", "", ""},
		{"from pool_passwd", "ann", "", "fromfile"},
		{"encrypted in pool_passwd", "cid", "", "postgres"},
		{"the setting wins", "ann", `pl:ai\n`, `pl:ai\n`},
		{"a setting marked as text", "ann", `TEXTpl:ai\n`, `pl:ai\n`},
		{"an encrypted setting", "ann", "AESmc87viJeOlmoN/1OUCl1Bg==", "secretpw"},
	} {
		if got := password(c.user, c.setting, pw, key); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := password("ann", "", nil, nil); got != "" {
		t.Errorf("without a file: %q", got)
	}
}

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
	if f := s.follow[0]; f.user != "sr" || f.password != "srpw" || f.database != "postgres" || f.every != time.Second ||
		f.limit != 2*time.Second || f.tls == nil || f.tls.ServerName != "db0" || f.socketDirs != nil {
		t.Errorf("follow: %+v", f)
	}
	if h := s.health[0]; h.user != "sr" || h.period != 5*time.Second || h.limit != 7*time.Second || h.dial != 2*time.Second {
		t.Errorf("health: %+v", h)
	}
	if h := s.health[3]; h.user != "hc" || h.password != "" || h.period != 0 || h.tls != nil {
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

	s.Reload(parse(one+"backend_hostname5 = '127.0.0.1'\nbackend_port5 = 2\nbackend_weight5 = 3\n"), nil)
	m := w.until(t, "two nodes, down", func(m *Map) bool { return len(m.Nodes) == 2 && m.Nodes[1].Status == Down })
	if m.Nodes[0].Weight != 0.25 || m.Nodes[0].Status != Down || m.Node(5) != &m.Nodes[1] || len(s.Health()) != 2 {
		t.Errorf("got %+v", m.Nodes)
	}
	s.Reload(parse(one), nil)
	w.until(t, "one node again", func(m *Map) bool { return len(m.Nodes) == 1 })

	stop()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSnifferFindsTheMethodHoweverItArrives(t *testing.T) {
	for name, c := range map[string]struct {
		sent []byte
		want uint32
	}{
		"scram":    {[]byte("R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"), 10},
		"trust":    {[]byte("R\x00\x00\x00\x08\x00\x00\x00\x00S\x00"), 0},
		"an error": {[]byte("E\x00\x00\x00\x17\x00\x00\x00\x0aFATAL"), 0},
		"cut off":  {[]byte("R\x00\x00\x00\x17\x00\x00"), 0},
	} {
		for _, r := range []io.Reader{bytes.NewReader(c.sent), iotest.OneByteReader(bytes.NewReader(c.sent))} {
			s := &sniffer{Conn: readOnly{r: r}}
			got, err := io.ReadAll(s)
			if err != nil || !bytes.Equal(got, c.sent) || s.method != c.want {
				t.Errorf("%s: method %d, %q, %v", name, s.method, got, err)
			}
		}
	}
}

// readOnly is a connection that only reads.
type readOnly struct {
	net.Conn
	r io.Reader
}

func (c readOnly) Read(b []byte) (int, error) { return c.r.Read(b) }
