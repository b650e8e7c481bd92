package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// logins is how often alice has logged in to the primary so far.
func (c *cluster) logins() int {
	return strings.Count(c.primary.Log(), "connection authorized: user=alice")
}

func (r *router) alice(password string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d dbname=postgres user=alice password=%s sslmode=disable", r.port, password)
}

// TestLoginsByTheServer: with enable_pool_hba = off the server's method and password count, and a server that has let
// one client in is not asked for each of its like.
func TestLoginsByTheServer(t *testing.T) {
	needRouter(t)
	for name, files := range map[string][]string{
		"allow_clear_text_frontend_auth": nil,
		"pool_passwd":                    {"pool_passwd", "alice:TEXTwonder\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, pgtest.Conf(settings+"\nlog_connections = on"), hba("host all postgres all trust\nhost all,replication walter,postgres all trust\nhost all all all scram-sha-256\n"))
			r := start(t, c, "enable_pool_hba = off\nallow_clear_text_frontend_auth = on\n", files...)
			come := func(password string) {
				t.Helper()
				p, err := pgconn.Connect(within(t), r.alice(password))
				if err != nil {
					t.Fatal(err)
				}
				want(t, "the user", simple(t, p, "SELECT current_user WHERE forced()"), "alice")
				p.Close(within(t))
			}
			const password = "28P01"
			want(t, "the first client with a wrong password", refusal(t, r.alice("wrong")).Code, password)
			come("wonder")
			before := c.logins()
			for range 20 {
				come("wonder")
			}
			if n := c.logins() - before; n > 10 { // the catalog is read by a login too
				t.Errorf("20 clients made %d logins at the server", n)
			}
			want(t, "a wrong password", refusal(t, r.alice("wrong")).Code, password)
			want(t, "an empty password", refusal(t, r.alice("''")).Code, password)
			if files != nil {
				return
			}
			c.exec(t, "ALTER ROLE alice PASSWORD 'looking-glass'")
			come("looking-glass")
			want(t, "the old password", refusal(t, r.alice("wonder")).Code, password)
		})
	}
}
