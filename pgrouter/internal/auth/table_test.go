package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/pgtest"
)

// gate is the least of a router: it lets clients in by a door, logs in to a server for each, and
// passes bytes both ways.
type gate struct {
	t      testing.TB
	addr   string // of the server
	listen net.Listener
	secure *tls.Config // towards the server
	ctx    context.Context
	wg     sync.WaitGroup

	mu    sync.Mutex
	door  *Door
	last  *Client // that was let in
	asked int     // how often the server was asked by the door
	known map[string]Precedent
}

func newGate(t testing.TB, server *pgtest.Server) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	g := &gate{t: t, addr: server.Addr(), listen: l, ctx: ctx}
	g.wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			g.wg.Go(func() { g.serve(nc) })
		}
	})
	t.Cleanup(func() { l.Close(); cancel(); g.wg.Wait() })
	return g
}

// open puts another door in; its Dial goes to the server, and it remembers nothing.
func (g *gate) open(d *Door) {
	d.Dial = func(ctx context.Context, c *Client) (*Server, error) {
		g.mu.Lock()
		g.asked++
		g.mu.Unlock()
		return g.dial(ctx, c)
	}
	d.Known = func(c *Client) (Precedent, bool) {
		g.mu.Lock()
		defer g.mu.Unlock()
		p, ok := g.known[c.User+" "+c.Database]
		return p, ok
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.door, g.last, g.known = d, nil, map[string]Precedent{}
}

// forget makes the door ask the server again about all clients.
func (g *gate) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known = map[string]Precedent{}
}

// count returns how often the door has asked the server since the last count.
func (g *gate) count() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, g.asked = g.asked, 0
	return n
}

func (g *gate) dial(ctx context.Context, c *Client) (*Server, error) {
	nc, err := net.Dial("tcp", g.addr)
	if err != nil {
		return nil, err
	}
	s, err := Login(ctx, nc, Request{User: c.User, Database: c.Database, Params: c.Params, Credential: c.Credential,
		TLS: g.secure, Version: c.Version})
	if err != nil {
		nc.Close()
	}
	return s, err
}

func (g *gate) serve(nc net.Conn) {
	defer nc.Close()
	g.mu.Lock()
	d := g.door
	g.mu.Unlock()
	c, err := d.Accept(g.ctx, nc)
	if err != nil {
		return
	}
	s := c.Server
	if s == nil {
		if s, err = g.dial(g.ctx, c); err != nil {
			c.Conn.Write(ErrorResponse(err))
			return
		}
	}
	defer s.Conn.Close()
	g.mu.Lock()
	g.last = c
	g.known[c.User+" "+c.Database] = Precedent{s.Method, c.Credential}
	g.mu.Unlock()
	hello := encode(&pgproto3.AuthenticationOk{})
	for _, p := range s.Params {
		hello = append(hello, encode(&pgproto3.ParameterStatus{Name: p[0], Value: p[1]})...)
	}
	hello = append(hello, encode(&pgproto3.BackendKeyData{ProcessID: s.PID, SecretKey: s.Secret})...)
	hello = append(hello, encode(&pgproto3.ReadyForQuery{TxStatus: s.Status})...)
	if _, err := c.Conn.Write(append(hello, s.Rest...)); err != nil {
		return
	}
	done := make(chan struct{})
	go func() { io.Copy(s.Conn, c.Conn); s.Conn.Close(); close(done) }()
	io.Copy(c.Conn, s.Conn)
	c.Conn.Close()
	<-done
}

// login connects through the gate with pgx and returns "ok" when it could run a statement as the
// user, else the SQLSTATE.
func (g *gate) login(user, database, password string) string {
	config, err := pgconn.ParseConfig(fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", user, g.listen.Addr(), database))
	if err != nil {
		g.t.Fatal(err)
	}
	config.Password = password
	conn, err := pgconn.ConnectConfig(g.ctx, config)
	if err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return e.Code
		}
		return err.Error()
	}
	defer conn.Close(g.ctx)
	r := conn.ExecParams(g.ctx, "select current_user", nil, nil, nil, nil).Read()
	if r.Err != nil || len(r.Rows) != 1 || string(r.Rows[0][0]) != user {
		return fmt.Sprintf("current_user %q, %v", r.Rows, r.Err)
	}
	return "ok"
}

const realPassword = "s3cret: \\pw"

// matrix says how a login ends for a line of pool_hba.conf (off: enable_pool_hba = off; off+: with
// allow_clear_text_frontend_auth too), the form of the entry in pool_passwd, and what the client
// gives, with backends that ask for: trust, password, md5, scram-sha-256.
const matrix = `
reject        none  right | 28000 28000 28000 28000
reject        clear right | 28000 28000 28000 28000
trust         none  right | ok    28P01 28P01 28P01
trust         none  none  | ok    28P01 28P01 28P01
trust         clear none  | ok    ok    ok    ok
trust         TEXT  none  | ok    ok    ok    ok
trust         AES   none  | ok    ok    ok    ok
trust         AES   wrong | ok    ok    ok    ok
trust         md5   none  | ok    28P01 ok    28P01
trust         scram none  | ok    28P01 28P01 28P01
password      none  right | ok    ok    ok    ok
password      none  wrong | ok    28P01 28P01 28P01
password      none  none  | 28P01 28P01 28P01 28P01
password      clear right | ok    ok    ok    ok
password      clear wrong | 28P01 28P01 28P01 28P01
password      TEXT  right | ok    ok    ok    ok
password      AES   right | ok    ok    ok    ok
password      AES   wrong | 28P01 28P01 28P01 28P01
password      md5   right | ok    ok    ok    ok
password      md5   wrong | 28P01 28P01 28P01 28P01
password      scram right | ok    ok    ok    ok
password      scram wrong | 28P01 28P01 28P01 28P01
md5           none  right | 28P01 28P01 28P01 28P01
md5           clear right | ok    ok    ok    ok
md5           clear wrong | 28P01 28P01 28P01 28P01
md5           TEXT  right | ok    ok    ok    ok
md5           AES   right | ok    ok    ok    ok
md5           AES   none  | 28P01 28P01 28P01 28P01
md5           md5   right | ok    28P01 ok    28P01
md5           md5   wrong | 28P01 28P01 28P01 28P01
md5           scram right | ok    28P01 28P01 ok
md5           scram wrong | 28P01 28P01 28P01 28P01
scram-sha-256 none  right | 28P01 28P01 28P01 28P01
scram-sha-256 clear right | ok    ok    ok    ok
scram-sha-256 clear wrong | 28P01 28P01 28P01 28P01
scram-sha-256 TEXT  right | ok    ok    ok    ok
scram-sha-256 AES   right | ok    ok    ok    ok
scram-sha-256 AES   wrong | 28P01 28P01 28P01 28P01
scram-sha-256 AES   none  | 28P01 28P01 28P01 28P01
scram-sha-256 md5   right | 28P01 28P01 28P01 28P01
scram-sha-256 scram right | ok    28P01 28P01 ok
scram-sha-256 scram wrong | 28P01 28P01 28P01 28P01
off           none  right | ok    ok    28P01 28P01
off           none  wrong | ok    28P01 28P01 28P01
off           clear right | ok    ok    ok    ok
off           clear wrong | ok    28P01 28P01 28P01
off           AES   right | ok    ok    ok    ok
off           TEXT  none  | ok    28P01 28P01 28P01
off           md5   right | ok    ok    ok    28P01
off           md5   wrong | ok    28P01 28P01 28P01
off           scram right | ok    ok    28P01 ok
off           scram wrong | ok    28P01 28P01 28P01
off+          none  right | ok    ok    ok    ok
off+          none  wrong | ok    28P01 28P01 28P01
off+          clear right | ok    ok    ok    ok
off+          clear wrong | ok    28P01 28P01 28P01
off+          md5   right | ok    ok    ok    ok
`

// TestMatrix runs the matrix against a real server. The md5 column has a user whose password the server
// stores as md5, the others one whose password it stores as a SCRAM verifier.
func TestMatrix(t *testing.T) {
	backends := []string{"trust", "password", "md5", "scram-sha-256"}
	var lines strings.Builder
	for _, b := range backends {
		fmt.Fprintf(&lines, "host %q all all %s\n", "db_"+b, b)
	}
	server := pgtest.Primary(t, pgtest.HBA(lines.String()))
	quoted := "'" + strings.ReplaceAll(realPassword, "'", "''") + "'"
	server.Exec(t, "set password_encryption = 'md5'; create role m login password "+quoted)
	server.Exec(t, "set password_encryption = 'scram-sha-256'; create role s login password "+quoted)
	for _, b := range backends {
		server.Exec(t, fmt.Sprintf("create database %q", "db_"+b))
	}
	escape := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace
	forms := map[string]func(user string) string{
		"none":  nil,
		"clear": func(string) string { return escape(realPassword) },
		"TEXT":  func(string) string { return "TEXT" + escape(realPassword) },
		"AES":   func(string) string { return passwd.NewKey("", []byte("postgres")).Encrypt(realPassword) },
		"md5":   func(user string) string { return passwd.HashMD5(user, realPassword) },
		"scram": func(user string) string {
			if user == "m" {
				return derive(realPassword, "a salt of our own", 4096).verifier()
			}
			return server.Query1(t, "select rolpassword from pg_authid where rolname = 's'")
		},
	}
	given := map[string]string{"right": realPassword, "wrong": "wrong", "none": ""}
	g := newGate(t, server)
	keys := newKeys(t)
	for _, row := range strings.Split(strings.TrimSpace(matrix), "\n") {
		f := strings.Fields(strings.Replace(row, "|", "", 1))
		d := &Door{Keys: keys, AllowClear: f[0] == "off+"}
		if !strings.HasPrefix(f[0], "off") {
			d.HBA = rules(t, "host all all all "+f[0])
		}
		if form := forms[f[1]]; form != nil {
			d.Passwords = passwords(t, "m:"+form("m")+"\ns:"+form("s")+"\n")
		}
		g.open(d)
		for i, b := range backends {
			user := "s"
			if b == "md5" {
				user = "m"
			}
			g.forget()
			if got := g.login(user, "db_"+b, given[f[2]]); got != f[3+i] {
				t.Errorf("%s\nbackend %s: %s, wanted %s", row, b, got, f[3+i])
			}
			if d.HBA != nil || g.login(user, "db_"+b, realPassword) != "ok" {
				continue
			}
			// One that comes after another has got in fares as one that comes first.
			g.count()
			if got := g.login(user, "db_"+b, given[f[2]]); got != f[3+i] {
				t.Errorf("%s\nbackend %s, with a precedent: %s, wanted %s", row, b, got, f[3+i])
			}
			if n := g.count(); f[3+i] == "ok" && n > 0 {
				t.Errorf("%s\nbackend %s was asked %d times in spite of a precedent", row, b, n)
			}
		}
	}
}

// TestServersWordIsPassedOn: what the server says reaches the client as it is.
func TestServersWordIsPassedOn(t *testing.T) {
	server := pgtest.Primary(t)
	g := newGate(t, server)
	for name, d := range map[string]*Door{
		"hba on":  {HBA: rules(t, "host all all all trust"), Keys: newKeys(t)},
		"hba off": {Keys: newKeys(t)},
	} {
		g.open(d)
		if got := g.login("postgres", "no_such_database", ""); got != "3D000" {
			t.Errorf("%s: %s, wanted 3D000", name, got)
		}
		if got := g.login("no_such_user", "postgres", ""); got != "28000" {
			t.Errorf("%s: %s, wanted 28000", name, got)
		}
	}
}
