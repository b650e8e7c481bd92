package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// raw is a session that a test drives message by message.
type raw struct {
	*pgproto3.Frontend
	conn net.Conn
	pid  uint32
	key  []byte
}

// raw opens a session and takes the connection from the driver that did the login.
func (r *router) raw(t testing.TB) *raw {
	t.Helper()
	h, err := r.connect(t).Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Conn.Close() })
	h.Conn.SetDeadline(time.Now().Add(limit))
	return &raw{Frontend: h.Frontend, conn: h.Conn, pid: h.PID, key: h.SecretKey}
}

// send sends messages in one write.
func (c *raw) send(t testing.TB, messages ...pgproto3.FrontendMessage) {
	t.Helper()
	for _, m := range messages {
		c.Send(m)
	}
	if err := c.Flush(); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// short writes a message for comparison: what matters in it and no more.
func short(m pgproto3.BackendMessage) string {
	switch m := m.(type) {
	case *pgproto3.DataRow:
		var b strings.Builder
		for i, v := range m.Values {
			if i > 0 {
				b.WriteString(",")
			}
			b.Write(v)
		}
		return "row " + b.String()
	case *pgproto3.CommandComplete:
		return "done " + string(m.CommandTag)
	case *pgproto3.ErrorResponse:
		return "error " + m.Code
	case *pgproto3.NoticeResponse:
		return "notice " + m.Code
	case *pgproto3.ReadyForQuery:
		return "ready " + string(m.TxStatus)
	case *pgproto3.ParameterDescription:
		return fmt.Sprint("parameters ", m.ParameterOIDs)
	case *pgproto3.RowDescription:
		return fmt.Sprint("columns ", len(m.Fields))
	case *pgproto3.ParameterStatus:
		return "setting " + m.Name + "=" + m.Value
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
}

// receive reads messages until one that begins as the last wanted one does, and compares all of them.
func (c *raw) receive(t testing.TB, what string, wanted ...string) {
	t.Helper()
	var got []string
	for len(got) < len(wanted) {
		m, err := c.Receive()
		if err != nil {
			got = append(got, "failure "+err.Error())
			break
		}
		got = append(got, short(m))
		if strings.HasPrefix(got[len(got)-1], "ready") && len(got) < len(wanted) && !strings.HasPrefix(wanted[len(got)-1], "ready") {
			break // nothing else will come
		}
	}
	if g, w := strings.Join(got, "; "), strings.Join(wanted, "; "); g != w {
		t.Fatalf("%s\ngot  %s\nwant %s", what, g, w)
	}
}

// until reads messages until one whose short form begins so, and returns all short forms.
func (c *raw) until(t testing.TB, prefix string) (got []string) {
	t.Helper()
	for {
		m, err := c.Receive()
		if err != nil {
			t.Fatalf("wait for %s: %v, after %s", prefix, err, strings.Join(got, "; "))
		}
		got = append(got, short(m))
		if strings.HasPrefix(got[len(got)-1], prefix) {
			return got
		}
	}
}

// query is a Query message.
func query(sql string) *pgproto3.Query { return &pgproto3.Query{String: sql} }

// parse, bind, describe and execute use the unnamed statement and portal unless a name is given.
func parse(sql string, name ...string) *pgproto3.Parse {
	return &pgproto3.Parse{Query: sql, Name: strings.Join(name, "")}
}

func bind(name string, values ...string) *pgproto3.Bind {
	b := &pgproto3.Bind{PreparedStatement: name}
	for _, v := range values {
		b.Parameters = append(b.Parameters, []byte(v))
	}
	return b
}

func execute() *pgproto3.Execute         { return &pgproto3.Execute{} }
func rows(max uint32) *pgproto3.Execute  { return &pgproto3.Execute{MaxRows: max} }
func syncNow() *pgproto3.Sync            { return &pgproto3.Sync{} }
func flush() *pgproto3.Flush             { return &pgproto3.Flush{} }
func describePortal() *pgproto3.Describe { return &pgproto3.Describe{ObjectType: 'P'} }
func describeStatement(name string) *pgproto3.Describe {
	return &pgproto3.Describe{ObjectType: 'S', Name: name}
}

// all is what one statement needs.
func all(sql string, values ...string) []pgproto3.FrontendMessage {
	return []pgproto3.FrontendMessage{parse(sql), bind("", values...), execute()}
}
