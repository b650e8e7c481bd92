package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// near is servers whose Unix sockets are where pgrouter looks for them, with a role that pgrouter asks them as.
func near(t testing.TB) *cluster {
	t.Helper()
	c := newCluster(t)
	for _, s := range []*pgtest.Server{c.primary, c.standby} {
		between := "', '"
		if pgtest.Major(t) < 14 { // where it is no list to SET
			between = ", "
		}
		s.Exec(t, fmt.Sprintf("ALTER SYSTEM SET unix_socket_directories = '%s%s/tmp'", s.SocketDir(), between))
		s.Restart(t)
		if _, err := os.Stat(filepath.Join("/tmp", fmt.Sprint(".s.PGSQL.", s.Port()))); err != nil {
			t.Fatal(err)
		}
	}
	c.exec(t, "CREATE ROLE checker LOGIN IN ROLE pg_monitor PASSWORD 'checker'; "+
		"CREATE FUNCTION way() RETURNS text STABLE LANGUAGE sql AS $$ SELECT CASE WHEN inet_client_addr() IS NULL THEN 'socket' ELSE 'TCP' END $$")
	return c
}

// TestServersUnixSocket: servers on this host are reached by their Unix sockets with backend_unix_socket = auto, if the socket
// asks the user for the same as TCP does, and else by TCP, which the log tells.
func TestServersUnixSocket(t *testing.T) {
	needRouter(t)
	c := near(t)
	const pool = "host all all 127.0.0.1/32 trust\n"
	for _, test := range []struct {
		name, local, lines string
		alice, postgres    string // by which way their sessions come
		logged             string
	}{
		{"used", "local all all trust\n", "enable_pool_hba = on\n", "socket", "socket", ""},
		{"off", "local all all trust\n", "enable_pool_hba = on\nbackend_unix_socket = off\n", "TCP", "TCP", ""},
		{"the server judges the clients", "local all all trust\n", "", "TCP", "TCP", ""},
		{"peer for all", "local all all peer\n", "enable_pool_hba = on\n", "TCP", "TCP", `Peer authentication failed for user \"checker\"`},
		{"peer for one", "local all alice peer\nlocal all all trust\n", "enable_pool_hba = on\n", "TCP", "socket", ""},
		{"another question", "local all all scram-sha-256\n", "enable_pool_hba = on\n", "TCP", "TCP", "asks for other authentication (scram) than TCP (none, or peer)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, s := range []*pgtest.Server{c.primary, c.standby} {
				s.Write(t, "pg_hba.conf", "local all postgres trust\n"+test.local+"host all,replication all all trust\n")
				s.Reload(t)
			}
			r := start(t, c, reads+"sr_check_user = 'checker'\nsr_check_password = 'checker'\nbackend_unix_socket = auto\n"+test.lines, "pool_hba.conf", pool)
			for user, wanted := range map[string]string{"alice": test.alice, "postgres": test.postgres} {
				p := r.connect(t, "user="+user)
				want(t, user+" at the primary", simple(t, p, "SELECT way() WHERE forced()"), wanted)
				want(t, user+" at the standby", simple(t, p, "SELECT way()"), wanted)
				want(t, user+"'s reader", c.server(simple(t, p, "SELECT node()")), "standby")
			}
			if test.logged != "" {
				r.saw(t, 0, "the server's Unix socket is not used")
				r.saw(t, 0, test.logged)
			}
			s := r.raw(t)
			s.send(t, query("SELECT pg_sleep(100), forced()"))
			c.running(t, "SELECT pg_sleep(100), forced()")
			r.cancel(t, s.pid, s.key)
			s.receive(t, "a cancel", "columns 2", "error 57014", "ready I")

			c.primary.Restart(t)
			c.primary.Until(t, "SELECT count(*) FROM pg_stat_replication", "1")
			r.state(t, 0, "up")
			want(t, "after a restart", simple(t, r.connect(t), "SELECT way() WHERE forced()"), test.postgres)
		})
	}
}
