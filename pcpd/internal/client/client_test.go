package client

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// peer is a server that has said all that it will say.
type peer struct {
	io.Reader
	asked bytes.Buffer
}

func (p *peer) Write(b []byte) (int, error) { return p.asked.Write(b) }

// welcome is what a server says to a login.
func welcome() []byte {
	return frame.Append(frame.AppendRaw(nil, frame.SaltReply, []byte{0x2a, 0xcc, 0x0b, 0x1f}), frame.LoginReply, frame.Authenticated)
}

// login logs in to a peer that then says replies, and forgets what it was asked for that.
func login(t testing.TB, replies []byte) (*Conn, *peer) {
	t.Helper()
	p := &peer{Reader: bytes.NewReader(append(welcome(), replies...))}
	c, err := Login(p, "pgpool", "postgres", nil)
	if err != nil {
		t.Fatal(err)
	}
	const captured = "M\x00\x00\x00\x04R\x00\x00\x00,pgpool\x0054dfe8a711a83f4329101fe76d274408\x00"
	if got := p.asked.String(); got != captured {
		t.Fatalf("asked %q, wanted %q", got, captured)
	}
	p.asked.Reset()
	return c, p
}

// What Pgpool-II answers a login that it does not like.
func TestLoginRefused(t *testing.T) {
	denied := frame.AppendProblem(nil, frame.ErrorReply, frame.Problem{Severity: frame.Fatal, Message: "no", Detail: "why"})
	for name, c := range map[string]struct {
		replies []byte
		want    string
	}{
		"nothing":         {nil, "read data from the server: EOF"},
		"refused at once": {denied, "FATAL:  no\nDETAIL:  why"},
		"a short salt":    {frame.AppendRaw(nil, frame.SaltReply, []byte{1, 2, 3}), "log in: the salt has 3 bytes, not 4"},
		"a long salt":     {frame.AppendRaw(nil, frame.SaltReply, make([]byte, 5)), "log in: the salt has 5 bytes, not 4"},
		"refused":         {append(frame.AppendRaw(nil, frame.SaltReply, make([]byte, 4)), denied...), "FATAL:  no\nDETAIL:  why"},
		"not in so many words": {frame.Append(frame.AppendRaw(nil, frame.SaltReply, make([]byte, 4)), frame.LoginReply, "maybe"),
			`log in: the server said ["maybe"]`},
		"no words":         {frame.AppendRaw(frame.AppendRaw(nil, frame.SaltReply, make([]byte, 4)), frame.LoginReply, nil), "log in: the server said []"},
		"another protocol": {[]byte("HTTP/1.1 400 Bad Request\r\n"), `a message 'H' says that it has 1414811695 bytes; it can be 4 to 16777220`},
	} {
		_, err := Login(&peer{Reader: bytes.NewReader(c.replies)}, "u", "p", nil)
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: %v, wanted %s", name, err, c.want)
		}
	}
	if _, err := Login(&peer{Reader: bytes.NewReader(welcome())}, strings.Repeat("u", frame.MaxRequest), "p", nil); err == nil {
		t.Error("a name that is longer than a request may be was sent")
	}
}

func complete(kind byte, texts ...string) []byte {
	return frame.Append(nil, kind, append([]string{frame.Complete}, texts...)...)
}

func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		call  func(*Conn) error
		reply byte
		want  string // that is asked, in hexadecimal
	}{
		"attach":              {func(c *Conn) error { return c.Attach(1) }, 'c', "43000000063100"},
		"detach":              {func(c *Conn) error { return c.Detach(1, false) }, 'd', "44000000063100"},
		"detach gracefully":   {func(c *Conn) error { return c.Detach(12, true) }, 'd', "6400000007313200"},
		"promote":             {func(c *Conn) error { return c.Promote(0, false, false, V43) }, 'd', "4a000000083020006e"},
		"switchover":          {func(c *Conn) error { return c.Promote(0, false, true, V48) }, 'd', "4a0000000830200073"},
		"graceful switchover": {func(c *Conn) error { return c.Promote(10, true, true, V43) }, 'd', "6a000000093130200073"},
		"promote in 4.2":      {func(c *Conn) error { return c.Promote(0, false, false, V42) }, 'd', "4a000000063000"},
		"recover":             {func(c *Conn) error { return c.Recover(0) }, 'c', "4f000000063000"},
		"stop":                {func(c *Conn) error { return c.Stop(frame.SmartStop, false) }, 't', "540000000573"},
		"stop the cluster":    {func(c *Conn) error { return c.Stop(frame.FastStop, true) }, 't', "740000000566"},
		"reload":              {func(c *Conn) error { return c.Reload(false) }, 'z', "5a000000056c"},
		"reload the cluster":  {func(c *Conn) error { return c.Reload(true) }, 'z', "5a0000000563"},
		"rotate":              {func(c *Conn) error { return c.Rotate(false) }, 'v', "56000000056c"},
		"cache":               {func(c *Conn) error { return c.InvalidateCache() }, 'g', "4700000004"},
	} {
		conn, p := login(t, complete(c.reply))
		if err := c.call(conn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := hex.EncodeToString(p.asked.Bytes()); got != c.want {
			t.Errorf("%s asks %s, wanted %s", name, got, c.want)
		}
		conn, _ = login(t, complete('x'))
		if err := c.call(conn); err == nil {
			t.Errorf("%s takes the reply to something else", name)
		}
	}
	conn, p := login(t, nil)
	if err := conn.Promote(0, false, true, V42); !errors.Is(err, ErrNoSwitchover) || p.asked.Len() > 0 {
		t.Errorf("a switchover in 4.2: %v, asked %q", err, p.asked.Bytes())
	}
}

func TestNoticesArePassedOver(t *testing.T) {
	notice := frame.AppendProblem(nil, frame.NoticeReply, frame.Problem{Severity: frame.Notice, Message: "look"})
	p := &peer{Reader: bytes.NewReader(append(append(welcome(), notice...), complete('c')...))}
	var trace string
	c, err := Login(p, "u", "p", func(sent bool, f frame.Frame) {
		if sent {
			trace += ">"
		}
		trace += string(rune(f.Type))
	})
	if err == nil {
		err = c.Attach(0)
	}
	if err != nil {
		t.Error(err)
	}
	if c.Close(); trace != ">Mm>Rr>CNc>X" {
		t.Errorf("the trace is %s", trace)
	}
}

// The replies of three versions, as they were captured; the last ones of each kind are wrong.
func TestNodeInfo(t *testing.T) {
	at := time.Unix(1795420221, 0)
	array := frame.Append(nil, 'i', frame.ArraySize, "1")
	item := func(texts ...string) []byte {
		return append(frame.Append(array, 'i', append([]string{frame.NodeInfoItem}, texts...)...), complete('i')...)
	}
	half := 1073741823.5 / 2147483647
	for name, c := range map[string]struct {
		reply []byte
		want  Node
		err   string
	}{
		"4.2": {complete('i', "127.0.0.1", "21002", "2", "0", "1073741823.500000", "3", "0", "streaming", "async", "1795420221"),
			Node{Layout: V42, Host: "127.0.0.1", Port: 21002, Status: 2, Weight: half, Role: 3, State: "streaming", SyncState: "async", Changed: at}, ""},
		"4.3": {item("127.0.0.1", "21001", "3", "1", "up", "1073741823.500000", "2", "primary", "77", "", "", "0"),
			Node{Layout: V43, Host: "127.0.0.1", Port: 21001, Status: 3, Quarantine: true, PgStatus: "up", Weight: half, Role: 2, PgRole: "primary", Delay: 77, Changed: time.Unix(0, 0)}, ""},
		"4.8": {item("127.0.0.1", "21002", "2", "0", "up", "1073741823.500000", "3", "standby", "1", "1234", "streaming", "async", "1795420221"),
			Node{Layout: V48, Host: "127.0.0.1", Port: 21002, Status: 2, PgStatus: "up", Weight: half, Role: 3, PgRole: "standby", TimeDelay: true, Delay: 1234,
				State: "streaming", SyncState: "async", Changed: at}, ""},
		"eleven fields":  {item("127.0.0.1", "21001", "3", "1", "up", "1", "2", "primary", "77", "", ""), Node{}, "a node with 11 fields"},
		"no number":      {item("h", "x", "3", "1", "up", "1", "2", "primary", "77", "", "", "0"), Node{}, `"x" is not a number`},
		"no weight":      {item("h", "1", "3", "1", "up", "heavy", "2", "primary", "77", "", "", "0"), Node{}, `"heavy" is not a number`},
		"something else": {frame.Append(array, 'i', "ProcessInfo"), Node{}, `the server answers ["ProcessInfo"], not NodeInfo`},
		"no words":       {frame.AppendRaw(nil, 'i', nil), Node{}, `the server answers [], not NodeInfo`},
		"no end":         {frame.AppendRaw(nil, 'i', []byte("NodeInfo")), Node{}, "does not end"},
	} {
		conn, _ := login(t, c.reply)
		got, err := conn.NodeInfo(1)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, wanted %s", name, err, c.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, []Node{c.want}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestProcesses(t *testing.T) {
	at := time.Unix(1795420215, 0)
	item := func(texts ...string) []byte {
		return append(frame.Append(frame.Append(nil, 'p', frame.ArraySize, "1"), 'p', append([]string{frame.ProcInfoItem}, texts...)...), complete('p')...)
	}
	numbered := strings.Split("a b c d e f g h i j k l m n o p q r s t u", " ")
	p43 := Process{V43, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", nil, time.Time{}, time.Time{}}
	p48 := p43
	p48.Layout, p48.More = V48, numbered[17:]
	for name, c := range map[string]struct {
		reply []byte
		want  Process
		err   string
	}{
		"4.2": {item("9751", "test", "postgres", "1795420215", "0", "3", "0", "1", "0", "12492", "0"),
			Process{Layout: V42, PID: "9751", Database: "test", Username: "postgres", StartedAt: at, CreatedAt: time.Unix(0, 0), Major: "3", Minor: "0", Counter: "1", BackendID: "0",
				BackendPID: "12492", Connected: "0"}, ""},
		"4.3":          {item(numbered[:17]...), p43, ""},
		"4.8":          {item(numbered...), p48, ""},
		"4.2, no time": {item(numbered[:11]...), Process{}, `"d" is not a number`},
		"16 fields":    {item(numbered[:16]...), Process{}, "a process with 16 fields"},
	} {
		conn, _ := login(t, c.reply)
		got, err := conn.ProcInfo(0)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, wanted %s", name, err, c.err)
			}
			continue
		}
		if len(got) == 1 && len(got[0].More) == 0 {
			got[0].More = nil
		}
		if err != nil || !reflect.DeepEqual(got, []Process{c.want}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for reply, want := range map[string]string{
		"2 10 11": "", "0": "", "2 10": "2 processes are announced and 1 named", "1 x": `"x" is not a number`, "": `"" is not a number`,
	} {
		conn, _ := login(t, complete('n', strings.Split(reply, " ")...))
		pids, err := conn.ProcCount()
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) || want == "" && err != nil {
			t.Errorf("%q: %v, %v", reply, pids, err)
		}
	}
}

func TestOthers(t *testing.T) {
	conn, _ := login(t, complete('l', "3"))
	if n, err := conn.NodeCount(); err != nil || n != 3 {
		t.Errorf("%d nodes, %v", n, err)
	}
	for name, reply := range map[string][]byte{"no count": complete('l'), "no number": complete('l', "x"), "no words": frame.AppendRaw(nil, 'l', nil)} {
		conn, _ := login(t, reply)
		if n, err := conn.NodeCount(); err == nil {
			t.Errorf("%s: %d nodes", name, n)
		}
	}
	conn, _ = login(t, complete('h', strings.Split(strings.Repeat("x", HealthFields), "")...))
	if stats, err := conn.HealthCheckStats(0); err != nil || len(stats) != HealthFields {
		t.Errorf("%q, %v", stats, err)
	}
	conn, _ = login(t, complete('h', "1"))
	if stats, err := conn.HealthCheckStats(0); err == nil {
		t.Errorf("one statistic: %q", stats)
	}
	// The number of parameters is in binary, and may look like the end of a text.
	status := frame.AppendRaw(nil, 'b', []byte("ArraySize\x00\x00\x00\x00\x01"))
	status = append(frame.Append(status, 'b', frame.StatusItem, "port", "", "what for"), complete('b')...)
	conn, _ = login(t, status)
	if all, err := conn.PoolStatus(); err != nil || !reflect.DeepEqual(all, []Parameter{{"port", "", "what for"}}) {
		t.Errorf("%q, %v", all, err)
	}
	conn, _ = login(t, frame.Append(nil, 'b', frame.StatusItem, "port"))
	if all, err := conn.PoolStatus(); err == nil {
		t.Errorf("a parameter without a value: %q", all)
	}
}

func TestWatchdog(t *testing.T) {
	for text, want := range map[string]Layout{
		`{"NodeCount":1,"WatchdogNodes":[{"State":4}]}`:                                                                   V42,
		`{"MemberRemoteNodeCount":0,"WatchdogNodes":[]}`:                                                                  V43,
		`{"MemberRemoteNodeCount":0,"WatchdogNodes":[{"Membership":0,"MembershipString":"MEMBER"}]}`:                      V43,
		`{"MemberRemoteNodeCount":0,"WatchdogNodes":[{"Membership":0,"MembershipString":"MEMBER","LifecheckStarted":0}]}`: V48,
		`{"MemberRemoteNodeCount":0,"WatchdogNodes":[{}]}`:                                                                "",
		`{"NodeCount":"x"}`: "",
		`[]`:                "",
		`{`:                 "",
	} {
		conn, _ := login(t, complete('w', text))
		w, err := conn.WatchdogInfo(AllMembers)
		if want == "" && err == nil || want != "" && (err != nil || w.Layout() != want) {
			t.Errorf("%s: %+v, %v", text, w, err)
		}
	}
	conn, _ := login(t, complete('w'))
	if w, err := conn.WatchdogInfo(0); err == nil {
		t.Errorf("no JSON: %+v", w)
	}
}
