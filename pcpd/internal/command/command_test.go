package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pcpd/internal/crewtest"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // the layouts have times of this host
	goleak.VerifyTestMain(m)
}

// newCommands makes Commands for a configuration.
func newCommands(c *config.Config) *Commands {
	return &Commands{Config: func() *config.Config { return c }, Reload: func() error { return nil }, Stop: func() {},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// frames takes a reply apart: a line "type text|text" for each frame.
func frames(t *testing.T, b []byte) (lines []string) {
	t.Helper()
	in := bytes.NewReader(b)
	for in.Len() > 0 {
		f, err := frame.Read(in, frame.MaxReply)
		if err != nil {
			t.Fatalf("the reply %q: %v", b, err)
		}
		if f.Type == frame.ErrorReply || f.Type == frame.NoticeReply {
			p, err := frame.ParseProblem(f.Payload)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, p.Severity+" "+p.Message+": "+p.Detail)
			continue
		}
		texts := strings.Split(strings.TrimSuffix(string(f.Payload), "\x00"), "\x00")
		lines = append(lines, string(f.Type)+" "+strings.Join(texts, "|"))
	}
	return lines
}

// do sends a request whose payload is the texts.
func do(t *testing.T, c *Commands, kind byte, texts ...string) []string {
	t.Helper()
	return raw(t, c, kind, string(frame.Append(nil, kind, texts...)[5:]))
}

func raw(t *testing.T, c *Commands, kind byte, payload string) []string {
	t.Helper()
	r := c.Do(context.Background(), "192.0.2.1", "ann", frame.Frame{Type: kind, Payload: []byte(payload)})
	lines := frames(t, r.Bytes)
	if r.Close != (len(lines) == 1 && strings.HasPrefix(lines[0], frame.Fatal+" ")) {
		t.Errorf("the connection ends: %v, after %q", r.Close, lines)
	}
	return lines
}

func want(t *testing.T, what string, got []string, wanted ...string) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Errorf("%s:\n%s\nwanted:\n%s", what, strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
}

func TestNodeInfo(t *testing.T) {
	crew := crewtest.New(t)
	crew.Serve(t, "pgwatch", crewtest.Watch)
	crew.Serve(t, "pgrouter", crewtest.Router)
	c := newCommands(crew.Config(t))
	primary := "i NodeInfo|db1|5432|2|0|up|536870911.750000|2|primary|0|||1795420148"
	standby := "i NodeInfo|db2|5433|1|0|up|1610612735.250000|3|standby|4096|streaming|async|1795420149"
	want(t, "all", do(t, c, 'I', "-1"), "i ArraySize|2", primary, standby, "i CommandComplete")
	want(t, "one", do(t, c, 'I', "1"), "i ArraySize|1", standby, "i CommandComplete")
	want(t, "another", do(t, c, 'I', "7"), "ERROR informing node info failed: invalid node ID : 7")
	want(t, "no number", do(t, c, 'I', "x"), "ERROR informing node info failed: invalid node ID : x")
	want(t, "no end", raw(t, c, 'I', "1"), "ERROR informing node info failed: the request must be one text that ends with a zero byte")
	want(t, "two", do(t, c, 'I', "1", "2"), "ERROR informing node info failed: the request must be one text that ends with a zero byte")
	want(t, "count", do(t, c, 'L'), "l CommandComplete|2")

	old := newCommands(crew.Config(t, "pcp_compat = 4.2"))
	want(t, "4.2", do(t, old, 'I', "1"), "i CommandComplete|db2|5433|1|0|1610612735.250000|3|4096|streaming|async|1795420149")
	want(t, "4.2, all", do(t, old, 'I', "-1"), "ERROR informing node info failed: invalid node ID : -1")
	newer := newCommands(crew.Config(t, "pcp_compat = 4.8"))
	want(t, "4.8", do(t, newer, 'I', "1"), "i ArraySize|1", "i NodeInfo|db2|5433|1|0|up|1610612735.250000|3|standby|0|4096|streaming|async|1795420149", "i CommandComplete")
	byTime := newCommands(crew.Config(t, "pcp_compat = 4.8", "delay_threshold_by_time = 5000"))
	want(t, "4.8 by time", do(t, byTime, 'I', "1"), "i ArraySize|1", "i NodeInfo|db2|5433|1|0|up|1610612735.250000|3|standby|1|1500|streaming|async|1795420149", "i CommandComplete")
}

// Each of the two tools suffices for node_info; without both it says what to start.
func TestNodeInfoWithOneTool(t *testing.T) {
	crew := crewtest.New(t)
	c := newCommands(crew.Config(t))
	want(t, "none", do(t, c, 'I', "0"), "ERROR informing node info failed: pgwatch does not run on this host with this configuration; start it")
	stop := crew.Serve(t, "pgwatch", crewtest.Watch)
	want(t, "pgwatch", do(t, c, 'I', "1"), "i ArraySize|1", "i NodeInfo|db2|5433|2|0|up|1610612735.250000|3|standby|4096|streaming|async|1795420149", "i CommandComplete")
	stop()
	crew.Serve(t, "pgrouter", crewtest.Router)
	want(t, "pgrouter", do(t, c, 'I', "1"), "i ArraySize|1", "i NodeInfo|db2|5433|1|0|up|1610612735.250000|3|standby|4096|streaming|async|1795420149", "i CommandComplete")
}

func TestHealthCheckStats(t *testing.T) {
	crew := crewtest.New(t)
	stop := crew.Serve(t, "pgwatch", crewtest.Watch)
	c := newCommands(crew.Config(t))
	want(t, "pgwatch", do(t, c, 'H', "0"), "h CommandComplete|0|db1|5432|up|primary|2026-11-23 07:49:08|6|5|1|0|3|0.500000|2|55|17|28.500000|2026-11-23 07:49:07|2026-11-23 07:49:06||")
	want(t, "nobody counts", do(t, c, 'H', "1"), "ERROR informing health check stats info failed: pgrouter does not run on this host with this configuration; start it")
	want(t, "no such node", do(t, c, 'H', "2"), "ERROR informing health check stats info failed: stats data for node ID 2 does not exist")
	stop()
	crew.Serve(t, "pgrouter", crewtest.Router)
	want(t, "pgrouter", do(t, c, 'H', "0"), "h CommandComplete|0|db1|5432|up|primary|2026-11-23 07:49:08|15|14|0|1|7|0.500000|3|55|14|22.571429|2026-11-23 08:01:08|2026-11-23 08:01:08|2026-11-23 08:00:08|")
	want(t, "pgrouter has none", do(t, c, 'H', "1"), "ERROR informing health check stats info failed: stats data for node ID 1 does not exist")
}

func TestProcesses(t *testing.T) {
	crew := crewtest.New(t)
	c := newCommands(crew.Config(t))
	want(t, "without a router", do(t, c, 'N'), "ERROR informing process count failed: pgrouter does not run on this host with this configuration; start it")
	crew.Serve(t, "pgrouter", crewtest.Router)
	want(t, "count", do(t, c, 'N'), "n CommandComplete|2|4190|4191")
	session := []string{
		"p ProcessInfo|4190|2026-11-23 07:48:42|0|0|0|test|postgres|2026-11-23 07:49:08|2026-11-23 07:48:42||0|3|0|1|6329|1|Execute command",
		"p ProcessInfo|4190|2026-11-23 07:48:42|0|0|1|test|postgres|2026-11-23 07:49:08|2026-11-23 07:48:42||0|3|0|1|6330|1|Execute command"}
	idle := "p ProcessInfo|4191|2026-11-23 07:48:43|0|0|0|test|ann||||0|0|0|0|0|0|Idle"
	want(t, "one session", do(t, c, 'P', "4190"), "p ArraySize|2", session[0], session[1], "p CommandComplete")
	want(t, "one without a server connection", do(t, c, 'P', "4191"), "p ArraySize|1", idle, "p CommandComplete")
	want(t, "all", do(t, c, 'P', "0"), "p ArraySize|4", session[0], session[1],
		"p ProcessInfo|0||0|0|1|test|bob|2026-11-23 07:47:08|||0|3|0|5|6331|0|Wait for connection", idle, "p CommandComplete")
	want(t, "no such session", do(t, c, 'P', "99999"), "ERROR informing process info failed: invalid process ID : 99999")
	old := newCommands(crew.Config(t, "pcp_compat = 4.2"))
	want(t, "4.2", do(t, old, 'P', "4191"), "p ArraySize|1", "p ProcessInfo|4191|test|ann|1795420123|0|0|0|0|0|0|0", "p CommandComplete")
	newer := newCommands(crew.Config(t, "pcp_compat = 4.8"))
	want(t, "4.8", do(t, newer, 'P', "4191"), "p ArraySize|1", idle+"|0|||", "p CommandComplete")
}

func TestPoolStatus(t *testing.T) {
	crew := crewtest.New(t)
	c := newCommands(crew.Config(t))
	without := raw(t, c, 'B', "")
	if len(without) < 100 || !slices.ContainsFunc(without, func(s string) bool { return strings.HasPrefix(s, "b ProcessConfig|pcp_port|9898|") }) {
		t.Errorf("without a router there are %d lines", len(without))
	}
	crew.Serve(t, "pgrouter", crewtest.Router)
	got := c.Do(context.Background(), "", "", frame.Frame{Type: 'B'}).Bytes
	size := "b\x00\x00\x00\x12ArraySize\x00\x00\x00\x00\x02"
	if !bytes.HasPrefix(got, []byte(size)) {
		t.Fatalf("the number of parameters is %q, wanted %q", got[:min(len(got), len(size))], size)
	}
	want(t, "the parameters", frames(t, got[len(size):]), "b ProcessConfig|port|9999|port for clients", "b ProcessConfig|backend_hostname0|db1|", "b CommandComplete")
}

func TestWatchdogInfo(t *testing.T) {
	crew := crewtest.New(t)
	crew.Serve(t, "pgwatch", crewtest.Watch)
	off := newCommands(crew.Config(t))
	want(t, "off", do(t, off, 'W', "-1"), "ERROR PCP: informing watchdog info failed: watchdog is not enabled")
	c := newCommands(crew.Config(t, "use_watchdog = on"))
	got := do(t, c, 'W', "-1")
	// The bytes matter to nobody, the names and kinds of members do.
	var all map[string]any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(got[0], "w CommandComplete|")), &all); err != nil {
		t.Fatalf("%q: %v", got, err)
	}
	nodes := all["WatchdogNodes"].([]any)
	delete(all, "WatchdogNodes")
	wanted := map[string]any{"RemoteNodeCount": 2.0, "MemberRemoteNodeCount": 2.0, "NodesRequireForQuorum": 2.0, "QuorumStatus": 1.0,
		"AliveNodeCount": 1.0, "Escalated": 0.0, "LeaderNodeName": "db1:9999 Linux db1", "LeaderHostName": "db1", "NodeCount": 3.0}
	sameJSON(t, all, wanted)
	sameJSON(t, nodes[0], map[string]any{"ID": 1.0, "State": 7.0, "Membership": 0.0, "MembershipString": "MEMBER", "NodeName": "db2:9999 Linux db2",
		"HostName": "db2", "StateName": "STANDBY", "DelegateIP": "198.51.100.100", "WdPort": 9000.0, "PgpoolPort": 9999.0, "Priority": 1.0})
	for id, name := range map[string]string{"0": "db2:9999 Linux db2", "1": "db1:9999 Linux db1", "2": "Not_Set"} {
		if got := do(t, c, 'W', id); len(got) != 1 || strings.Count(got[0], `"NodeName"`) != 1 || !strings.Contains(got[0], `"NodeName":"`+name+`"`) || !strings.Contains(got[0], `"NodeCount":1,`) {
			t.Errorf("node %s: %q", id, got)
		}
	}
	newest := do(t, newCommands(crew.Config(t, "use_watchdog = on", "pcp_compat = 4.8")), 'W', "0")
	if len(newest) != 1 || !strings.Contains(newest[0], `"LifecheckStarted":1`) {
		t.Errorf("4.8: %q", newest)
	}
	want(t, "no such node", do(t, c, 'W', "3"), "ERROR PCP: informing watchdog info failed: invalid watchdog node ID : 3; 0 is the node that is asked, and there are 2 others")
}

func sameJSON(t *testing.T, got, wanted any) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(wanted)
	if !bytes.Equal(a, b) {
		t.Errorf("got\n%s\nwanted\n%s", a, b)
	}
}

func TestSetParameter(t *testing.T) {
	c := newCommands(crewtest.New(t).Config(t))
	want(t, "client_min_messages", do(t, c, 'A', "client_min_messages", "debug1"),
		"NOTICE client_min_messages has no effect: pcpd sends errors, and nothing else that could be suppressed", "a CommandComplete")
	want(t, "another", do(t, c, 'A', "port", "1"), `ERROR set configuration parameter failed: client_min_messages and its value can be set, and got "port\x001\x00"`)
}

func TestUnknownRequest(t *testing.T) {
	c := newCommands(crewtest.New(t).Config(t))
	want(t, "F", raw(t, c, 'F', ""), `ERROR unknown PCP request: there is no request of type 'F'`)
}

// No payload of any request makes it panic, and each gets a reply.
func FuzzDo(f *testing.F) {
	c := newCommands(crewtest.New(f).Config(f, "use_watchdog = on"))
	for kind := range handlers {
		f.Add(kind, []byte("1\x00"))
	}
	f.Add(byte('J'), []byte("1 \x00s"))
	f.Add(byte('A'), []byte("client_min_messages\x00x\x00"))
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		if r := c.Do(context.Background(), "", "", frame.Frame{Type: kind, Payload: payload}); len(r.Bytes) == 0 {
			t.Fatalf("no reply to %q %q", kind, payload)
		}
	})
}

var errSaid = &control.Error{Code: control.CodeFailed, Msg: "backend 1 is down", Hint: "start it first"}

var errOther = errors.New("it hangs")
