package auth

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/certs"
	"github.com/pgcrew/pgcrew/common/certs/certtest"
	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// patience is how long a test waits for what must happen; nothing is decided by it.
const patience = 30 * time.Second

func rules(t testing.TB, text string) *hba.File {
	t.Helper()
	f, err := hba.Parse("pool_hba.conf", []byte(text), os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func passwords(t testing.TB, text string) *passwd.File {
	t.Helper()
	f, err := passwd.Parse("pool_passwd", []byte(text), passwd.NewKey("key", []byte("postgres")))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pair is the two ends of a real TCP connection.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	client.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

type outcome struct {
	client *Client
	err    error
}

// knock lets a client in the background and returns the client's end.
func knock(t testing.TB, d *Door) (net.Conn, <-chan outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return knockCtx(t, ctx, d)
}

func knockCtx(t testing.TB, ctx context.Context, d *Door) (net.Conn, <-chan outcome) {
	t.Helper()
	client, server := pair(t)
	done := make(chan outcome, 1)
	go func() {
		c, err := d.Accept(ctx, server)
		done <- outcome{c, err}
	}()
	t.Cleanup(func() { client.Close() })
	return client, done
}

func startup(params ...string) []byte {
	s := &wire.Startup{Version: wire.Version30}
	for i := 0; i < len(params); i += 2 {
		s.Params = append(s.Params, [2]string{params[i], params[i+1]})
	}
	b, err := wire.AppendStartup(nil, s)
	if err != nil {
		panic(err)
	}
	return b
}

// receive reads messages with the library's decoder until the connection ends or stop is met.
func receive(t testing.TB, r io.Reader) pgproto3.BackendMessage {
	t.Helper()
	m, err := pgproto3.NewFrontend(r, nil).Receive()
	if err != nil {
		t.Fatalf("read from pgrouter: %v", err)
	}
	return m
}

func wantError(t testing.TB, r io.Reader, code, text string) {
	t.Helper()
	m, ok := receive(t, r).(*pgproto3.ErrorResponse)
	if !ok || m.Code != code || !strings.Contains(m.Message, text) || m.Severity != "FATAL" {
		t.Fatalf("got %+v, wanted %s %q", m, code, text)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
		t.Fatalf("behind the error: %q, %v; wanted the end", rest, err)
	}
}

func write(t testing.TB, w io.Writer, parts ...[]byte) {
	t.Helper()
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if _, err := w.Write(all); err != nil {
		t.Fatal(err)
	}
}

func TestRefused(t *testing.T) {
	d := &Door{HBA: rules(t, "host all rejected all reject\nhost all pw all password\nhost known all all trust\n"), Keys: newKeys(t)}
	password := func(text string) []byte { return encode(&pgproto3.PasswordMessage{Password: text}) }
	for name, c := range map[string]struct {
		sent       []byte
		code, text string
	}{
		"web browser":   {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "08P01", "invalid length of startup packet"},
		"too short":     {[]byte{0, 0, 0, 7, 1, 2, 3}, "08P01", "invalid length"},
		"oversized":     {[]byte{0, 0, 0x27, 0x11}, "08P01", "invalid length of startup packet: 10001 bytes"},
		"protocol 2":    {[]byte{0, 0, 0, 8, 0, 2, 0, 0}, "0A000", "unsupported frontend protocol 2.0"},
		"bad layout":    {[]byte{0, 0, 0, 9, 0, 3, 0, 0, 'x'}, "08P01", "expected terminator"},
		"no user":       {startup("database", "known"), "28000", "no PostgreSQL user name"},
		"no entry":      {startup("user", "u", "database", "d"), "28000", `no pool_hba.conf entry for host "127.0.0.1", user "u", database "d", SSL off`},
		"rejected":      {startup("user", "rejected"), "28000", `pool_hba.conf rejects connection for host "127.0.0.1", user "rejected"`},
		"GSS twice":     {append(wire.AppendGSSENCRequest(nil), wire.AppendGSSENCRequest(nil)...), "08P01", "a second time"},
		"not an answer": {append(startup("user", "pw"), wire.AppendSSLRequest(nil)...), "08P01", "expected password response"},
		"long answer":   {append(startup("user", "pw"), 'p', 0, 1, 0, 0), "08P01", "invalid length of password response"},
		"odd answer":    {append(startup("user", "pw"), 'p', 0, 0, 0, 6, 'x', 'y'), "08P01", "invalid password packet size"},
		"empty answer":  {append(startup("user", "pw"), password("")...), "28P01", "empty password"},
		"no stored one": {append(startup("user", "pw"), password("x")...), "28P01", `password authentication failed for user "pw"`},
	} {
		t.Run(name, func(t *testing.T) {
			client, done := knock(t, d)
			write(t, client, c.sent)
			var in io.Reader = client
			if name == "GSS twice" {
				io.ReadFull(client, make([]byte, 1))
			}
			if strings.Contains(name, "answer") || name == "no stored one" {
				if m := receive(t, io.LimitReader(client, 9)); m.(*pgproto3.AuthenticationCleartextPassword) == nil {
					t.Fatal("no question")
				}
			}
			wantError(t, in, c.code, c.text)
			client.Close()
			if o := <-done; o.err == nil {
				t.Error("was let in")
			}
		})
	}
}

func TestLeftEarly(t *testing.T) {
	d := &Door{HBA: rules(t, "host all all all password"), Keys: newKeys(t)}
	for name, c := range map[string]struct {
		sent []byte
		want error
	}{
		"port probe":      {nil, ErrSilent},
		"half a length":   {[]byte{0, 0}, io.ErrUnexpectedEOF},
		"half a packet":   {startup("user", "u")[:9], io.ErrUnexpectedEOF},
		"at the question": {startup("user", "u"), io.EOF},
	} {
		client, done := knock(t, d)
		write(t, client, c.sent)
		client.(*net.TCPConn).CloseWrite()
		if o := <-done; !errors.Is(o.err, c.want) {
			t.Errorf("%s: %v, wanted %v", name, o.err, c.want)
		}
	}
}

// TestSlowClientIsCut ends the context while the client hesitates, at each place where it may.
func TestSlowClientIsCut(t *testing.T) {
	d := &Door{HBA: rules(t, "host all all all password"), Keys: newKeys(t)}
	for name, sent := range map[string][]byte{
		"nothing": nil, "half a packet": startup("user", "u")[:9], "at the question": startup("user", "u"),
	} {
		ctx, cancel := context.WithCancel(context.Background())
		client, done := knockCtx(t, ctx, d)
		write(t, client, sent)
		if name == "at the question" {
			receive(t, io.LimitReader(client, 9))
		}
		cancel()
		if name != "nothing" {
			// The bytes may still be on their way when the context ends: then nothing was read and
			// nothing is said.
			if answer, err := io.ReadAll(client); err != nil || len(answer) > 0 && !strings.Contains(string(answer), "57P01") {
				t.Errorf("%s: the client read %q, %v", name, answer, err)
			}
		}
		client.Close()
		if o := <-done; !errors.Is(o.err, context.Canceled) {
			t.Errorf("%s: %v", name, o.err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	client, done := knockCtx(t, ctx, d)
	write(t, client, startup("user", "u")[:9])
	io.Copy(io.Discard, client)
	client.Close()
	if o := <-done; !errors.Is(o.err, context.DeadlineExceeded) {
		t.Errorf("authentication_timeout: %v", o.err)
	}
}

// TestNothingIsReadAhead sends a query in the same write as the last login message, and must find all
// of it unread.
func TestNothingIsReadAhead(t *testing.T) {
	query := encode(&pgproto3.Query{String: "select 1"})
	d := &Door{HBA: rules(t, "host all pw all password\nhost all md all md5\nhost all all all trust\n"),
		Passwords: passwords(t, "pw:secret"), Keys: newKeys(t)}
	for user, answer := range map[string][]byte{"u": nil, "pw": encode(&pgproto3.PasswordMessage{Password: "secret"})} {
		client, done := knock(t, d)
		write(t, client, startup("user", user, "application_name", "x", "extra", "kept"), answer, query)
		o := <-done
		if o.err != nil {
			t.Fatal(o.err)
		}
		wantUnread(t, o.client, query)
		if want := [][2]string{{"application_name", "x"}, {"extra", "kept"}}; len(o.client.Params) != 2 ||
			o.client.Params[0] != want[0] || o.client.Params[1] != want[1] || o.client.Database != user {
			t.Errorf("client %+v", o.client)
		}
	}
}

func wantUnread(t testing.TB, c *Client, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	c.Conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c.Conn, got); err != nil || string(got) != string(want) {
		t.Fatalf("unread is %q, %v; wanted %q", got, err, want)
	}
}

func TestNegotiationAndUnknownOptions(t *testing.T) {
	d := &Door{HBA: rules(t, "host all all all trust"), Keys: newKeys(t)}
	client, done := knock(t, d)
	b, _ := wire.AppendStartup(nil, &wire.Startup{Version: 3<<16 | 9999, Params: [][2]string{
		{"user", "u"}, {"_pq_.test", "1"}, {"database", "d"}, {"replication", "database"}, {"custom.x", "y"}}})
	write(t, client, b)
	m, ok := receive(t, client).(*pgproto3.NegotiateProtocolVersion)
	if !ok || m.NewestMinorProtocol != wire.Version32 || len(m.UnrecognizedOptions) != 1 || m.UnrecognizedOptions[0] != "_pq_.test" {
		t.Fatalf("negotiation %+v", m)
	}
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	c := o.client
	if c.Version != wire.Version32 || c.Database != "d" || c.Replication != "database" || len(c.Params) != 1 || c.Params[0][0] != "custom.x" {
		t.Errorf("client %+v", c)
	}
}

func TestCancelRequest(t *testing.T) {
	d := &Door{Keys: newKeys(t)}
	client, done := knock(t, d)
	write(t, client, wire.AppendSSLRequest(nil))
	answer := make([]byte, 1)
	if _, err := io.ReadFull(client, answer); err != nil || answer[0] != 'N' {
		t.Fatalf("answer %q, %v", answer, err)
	}
	write(t, client, wire.AppendCancel(nil, &wire.CancelRequest{PID: 42, Key: []byte("0123456789")}))
	if o := <-done; o.err != nil || o.client.Cancel == nil || o.client.Cancel.PID != 42 || string(o.client.Cancel.Key) != "0123456789" {
		t.Errorf("%+v, %v", o.client, o.err)
	}
}

// issue makes a certificate; a nil parent makes an authority.
// offer makes the TLS settings of a door and the ones of clients that trust it.
func offer(t testing.TB) (door *tls.Config, client func(user string) *tls.Config) {
	ca := certtest.Issue(t, "authority", nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	door = &tls.Config{Certificates: []tls.Certificate{certtest.Issue(t, "door", &ca)}, NextProtos: []string{certs.ALPN},
		ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	return door, func(user string) *tls.Config {
		c := &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{certs.ALPN}}
		if user != "" {
			c.Certificates = []tls.Certificate{certtest.Issue(t, user, &ca)}
		}
		return c
	}
}

// counted counts the bytes of the connection under TLS.
type counted struct {
	net.Conn
	read int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += n
	return n, err
}

func TestTLS(t *testing.T) {
	door, trusting := offer(t)
	query := encode(&pgproto3.Query{String: "select 1"})
	for _, direct := range []bool{false, true} {
		for name, c := range map[string]struct {
			line, user, cert string
			code, text       string // "" is let in
		}{
			"trust":                   {"hostssl all all all trust", "u", "", "", ""},
			"hostnossl":               {"hostnossl all all all trust", "u", "", "28000", "SSL on"},
			"cert":                    {"hostssl all all all cert", "u", "u", "", ""},
			"cert of another":         {"hostssl all all all cert", "u", "v", "28000", "certificate authentication failed"},
			"cert missing":            {"hostssl all all all cert", "u", "", "28000", "requires a valid client certificate"},
			"verify-ca":               {"hostssl all all all trust clientcert=verify-ca", "u", "v", "", ""},
			"verify-full of another":  {"hostssl all all all trust clientcert=verify-full", "u", "v", "28000", "certificate authentication failed"},
			"verify-ca and no cert":   {"hostssl all all all trust clientcert=verify-ca", "u", "", "28000", "requires a valid client certificate"},
			"verify-full of the user": {"hostssl all all all trust clientcert=verify-full", "u", "u", "", ""},
		} {
			var under *counted
			d := &Door{HBA: rules(t, c.line), TLS: door, Keys: newKeys(t),
				WrapTLS: func(nc net.Conn) net.Conn { under = &counted{Conn: nc}; return under }}
			raw, done := knock(t, d)
			if !direct {
				write(t, raw, wire.AppendSSLRequest(nil))
				answer := make([]byte, 1)
				if _, err := io.ReadFull(raw, answer); err != nil || answer[0] != 'S' {
					t.Fatalf("%s: answer %q, %v", name, answer, err)
				}
			}
			client := tls.Client(raw, trusting(c.cert))
			write(t, client, startup("user", c.user), query)
			if c.code != "" {
				wantError(t, client, c.code, c.text)
				raw.Close()
				if o := <-done; o.err == nil {
					t.Errorf("%s, direct %v: was let in", name, direct)
				}
				continue
			}
			o := <-done
			if o.err != nil {
				t.Fatalf("%s, direct %v: %v", name, direct, o.err)
			}
			wantUnread(t, o.client, query)
			if o.client.Conn.(*tls.Conn).NetConn() != net.Conn(under) {
				t.Errorf("%s, direct %v: TLS is on a %T", name, direct, o.client.Conn.(*tls.Conn).NetConn())
			}
			if o.client.TLS == nil || under.read == 0 {
				t.Errorf("%s: state %v, %d bytes through WrapTLS", name, o.client.TLS, under.read)
			}
		}
	}
}

func TestDirectTLSNeedsALPN(t *testing.T) {
	door, trusting := offer(t)
	d := &Door{HBA: rules(t, "host all all all trust"), TLS: door, Keys: newKeys(t)}
	raw, done := knock(t, d)
	config := trusting("")
	config.NextProtos = nil
	client := tls.Client(raw, config)
	write(t, client, startup("user", "u"))
	wantError(t, client, "08P01", "without ALPN")
	raw.Close()
	if o := <-done; o.err == nil {
		t.Error("was let in")
	}
}

// TestStuffedBytes puts a plain startup packet behind the SSLRequest in the same write: it must be
// taken for the TLS handshake that it is not, never for what comes after it.
func TestStuffedBytes(t *testing.T) {
	door, _ := offer(t)
	d := &Door{HBA: rules(t, "host all all all trust"), TLS: door, Keys: newKeys(t)}
	client, done := knock(t, d)
	write(t, client, wire.AppendSSLRequest(nil), startup("user", "u"))
	io.ReadFull(client, make([]byte, 1))
	io.Copy(io.Discard, client)
	if o := <-done; o.err == nil || !strings.Contains(o.err.Error(), "TLS handshake") {
		t.Errorf("%+v, %v", o.client, o.err)
	}
}

func TestUnixSocket(t *testing.T) {
	door, _ := offer(t)
	d := &Door{HBA: rules(t, "local all all trust"), TLS: door, Keys: newKeys(t)}
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	write(t, client, wire.AppendSSLRequest(nil), startup("user", "u"))
	c, err := d.Accept(context.Background(), server)
	if err != nil || c.TLS != nil || c.User != "u" {
		t.Fatalf("%+v, %v", c, err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(client, answer); err != nil || answer[0] != 'N' {
		t.Errorf("answer %q, %v", answer, err)
	}
}
