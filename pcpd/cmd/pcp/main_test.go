package main

import (
	"bytes"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/tooltest"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
	"github.com/pgcrew/pgcrew/pcpd/internal/recorded"
)

func TestMain(m *testing.M) { tooltest.Main(m, "pcp", main) }

func TestManPage(t *testing.T) { tooltest.Man(t, "pcp", "PCP", new(cli), kong.NoDefaultHelp()) }

// call runs the program in this process, under a name, with a password file of all recordings.
func call(t *testing.T, w world, words ...string) recorded.Output {
	t.Helper()
	var out, errs bytes.Buffer
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, []byte(recorded.Passwords), 0o600); err != nil {
		t.Fatal(err)
	}
	w.out, w.err, w.zone = &out, &errs, time.UTC
	w.getenv = func(name string) string { return map[string]string{"PCPPASSFILE": file}[name] }
	status := run(words[0], words[1:], w)
	return recorded.Output{Out: out.String(), Err: errs.String(), Status: status}
}

// serve answers one client as it was recorded. end waits for that, and fails the test when the client said something else.
func serve(t *testing.T, wire []recorded.Message) (port string, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = recorded.Play(c, wire)
		}
		done <- err
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), func() {
		t.Helper()
		l.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// played runs the program against a server that says what was recorded.
func played(t *testing.T, wire []recorded.Message, words ...string) recorded.Output {
	t.Helper()
	t.Log(words)
	port, end := serve(t, wire)
	defer end()
	return call(t, world{account: &user.User{Username: recorded.User}}, append(words, "-h", "127.0.0.1", "-p", port, "-w")...)
}

// The output is that of Pgpool-II's own program, byte for byte. The status is not: a refused order is a failure.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pgpool-*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		all, err := recorded.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			t.Run(filepath.Base(file)+"/"+r.Args, func(t *testing.T) {
				words := strings.Fields(r.Args)
				compare(t, played(t, r.Wire, words...), r.Plain)
				compare(t, played(t, r.Wire, append(words, "-v")...), r.Verbose)
			})
		}
	}
}

func compare(t *testing.T, got, want recorded.Output) {
	t.Helper()
	if want.Out == "" {
		want.Status = exit.Failed
	}
	if got.Out != want.Out {
		t.Errorf("it prints:\n%s\nwanted:\n%s", got.Out, want.Out)
	}
	if got.Err != want.Err {
		t.Errorf("it complains:\n%s\nwanted:\n%s", got.Err, want.Err)
	}
	if got.Status != want.Status {
		t.Errorf("it ends with %d, wanted %d", got.Status, want.Status)
	}
}

func TestCommandLine(t *testing.T) {
	me := world{account: &user.User{Username: "someone"}, sockets: []string{"/none/first", "/none/second"}}
	for _, c := range []struct {
		words    string
		status   int
		out, err string // a part
	}{
		{"pcp_node_info --help", exit.OK, "", "--node-id=ID"},
		{"pcp_node_info -?", exit.OK, "", "--node-id=ID"},
		{"pcp --help", exit.OK, "", "recovery_node"},
		{"pcp_node_info -V", exit.OK, "", "pcp_node_info (pgcrew) "},
		{"pcp", exit.Failed, "", "expected one of"},
		{"pcp_nothing", exit.Failed, "", "unexpected argument"},
		{"pcp node_info --nothing", exit.Failed, "", "--nothing"},
		{"pcp_attach_node", exit.Failed, "", "pcp_attach_node: error: missing node-id"},
		{"pcp attach_node", exit.Failed, "", "pcp_attach_node: error: missing node-id"},
		{"pcp_health_check_stats", exit.Failed, "", "missing node-id"},
		{"pcp_node_info --compat 4.2", exit.Failed, "", "missing node-id"},
		{"pcp_node_info --compat 4.1", exit.Failed, "", "4.2"},
		{"pcp_attach_node -n 128", exit.Failed, "", "node 128: it is 0 to 127"},
		{"pcp_attach_node -n-1", exit.Failed, "", "node -1: it is 0 to 127"},
		{"pcp_attach_node one", exit.Failed, "", `"one" is not a number`},
		{"pcp_attach_node 1x", exit.Failed, "", `"1x" is not a number`},
		{"pcp_proc_info 0", exit.Failed, "", "process 0: it is 1 to"},
		{"pcp_watchdog_info -n x", exit.Failed, "", "--watchdog-id"},
		{"pcp_stop_pgpool -m quick", exit.Failed, "", "--mode"},
		{"pcp_reload_config -s world", exit.Failed, "", "--scope"},
		{"pcp_node_count -p 70000", exit.Failed, "", "port 70000"},
		{"pcp_node_count --json -v", exit.Failed, "", "choose one"},
		{"pcp_node_count -w", exit.Failed, "", `no password for user "someone" in `},
		{"pcp_node_count -wU pgpool 5", exit.Failed, "", `pcp_node_count: Warning: extra command-line argument "5" ignored`},
		{"pcp_node_count -wU pgpool", exit.Failed, "", "ERROR: connection to socket \"/none/second/.s.PGSQL.9898\" failed with error \"No such file or directory\"\n"},
		{"pcp_node_count -wU pgpool -h /none/third", exit.Failed, "", "ERROR: connection to socket \"/none/third/.s.PGSQL.9898\" failed with error \"No such file or directory\"\n"},
		{"pcp_node_count -wU pgpool -h 127.0.0.1 -p 1", exit.Failed, "", "ERROR: connection to host \"127.0.0.1\" failed with error \"Connection refused\"\n"},
	} {
		got := call(t, me, strings.Fields(c.words)...)
		if got.Status != c.status || !strings.Contains(got.Out, c.out) || c.out == "" && got.Out != "" || !strings.Contains(got.Err, c.err) {
			t.Errorf("%s: %+v", c.words, got)
		}
	}
	if got := call(t, world{}, "pcp_node_count"); got.Status != exit.Failed || !strings.Contains(got.Err, "-U") {
		t.Errorf("without a user: %+v", got)
	}
}

// conversation is a login with a salt of zeros and then what the server answers to one request.
func conversation(request byte, payload string, replies ...recorded.Message) []recorded.Message {
	said := func(fromServer bool, kind byte, payload string) recorded.Message {
		return recorded.Message{FromServer: fromServer, Frame: frame.Frame{Type: kind, Payload: []byte(payload)}}
	}
	answer := frame.Answer(recorded.User, "e8a48653851e28c69d0506508fb27fc5", [frame.SaltSize]byte{})
	all := []recorded.Message{
		said(false, frame.Salt, ""), said(true, frame.SaltReply, "\x00\x00\x00\x00"),
		said(false, frame.Login, recorded.User+"\x00"+answer+"\x00"), said(true, frame.LoginReply, frame.Authenticated+"\x00"),
		said(false, request, payload),
	}
	return append(append(all, replies...), said(false, frame.Exit, ""))
}

func reply(kind byte, texts ...string) recorded.Message {
	return recorded.Message{FromServer: true, Frame: frame.Frame{Type: kind, Payload: []byte(strings.Join(texts, "\x00") + "\x00")}}
}

// The orders that Debian's version does not know, the forms of other versions, and JSON.
func TestPlayed(t *testing.T) {
	done := reply('d', frame.Complete)
	node42 := []string{frame.Complete, "h", "5432", "3", "1", "2147483647.000000", "9", "7", "", "", "0"}
	nodes48 := []recorded.Message{reply('i', frame.ArraySize, "2"),
		reply('i', frame.NodeInfoItem, "h", "5432", "2", "0", "up", "0.000000", "3", "standby", "1", "2001234", "streaming", "async", "1795420221"),
		reply('i', frame.NodeInfoItem, "h", "5433", "9", "0", "up", "0.000000", "3", "standby", "1", "1001234", "", "", "0"), reply('i', frame.Complete)}
	slot48 := reply('p', frame.ProcInfoItem, "9", "begun", "1", "2", "0", "db", "me", "t1", "t2", "t3", "4", "3", "0", "5", "77", "1", "Idle", "0", "host", "port", "SELECT \"1\"")
	slot42 := reply('p', frame.ProcInfoItem, "9", "db", "me", "1795420215", "0", "3", "0", "5", "0", "77", "1")
	const watchdog42 = `{"RemoteNodeCount":1,"NodesRequireForQuorum":2,"QuorumStatus":-1,"AliveNodeCount":0,"Escalated":0,"LeaderNodeName":"a","LeaderHostName":"b","NodeCount":2,` +
		`"WatchdogNodes":[{"ID":0,"State":4,"NodeName":"a","HostName":"b","StateName":"LEADER","DelegateIP":"v","WdPort":9000,"PgpoolPort":9999,"Priority":1}]}`
	const watchdog48 = `{"MemberRemoteNodeCount":1,"RemoteNodeCount":1,"QuorumStatus":-7,"Escalated":1,"LeaderNodeName":"a","LeaderHostName":"b","NodeCount":2,` +
		`"WatchdogNodes":[{"State":4,"Membership":2,"MembershipString":"REVOKED-NO-SHOW","NodeName":"a","HostName":"b","StateName":"LEADER","LifecheckStarted":1}]}`
	notice := recorded.Message{FromServer: true, Frame: frame.Frame{Type: frame.NoticeReply, Payload: []byte("SNOTICE\x00Mlook\x00\x00")}}
	for _, c := range []struct {
		words    string
		wire     []recorded.Message
		out, err string
	}{
		{"pcp_log_rotate -s c", conversation('V', "c", reply('v', frame.Complete)), "pcp_log_rotate -- Command Successful\n", ""},
		{"pcp_log_rotate", conversation('V', "l", reply('v', frame.Complete)), "pcp_log_rotate -- Command Successful\n", ""},
		{"pcp invalidate_query_cache", conversation('G', "", reply('g', frame.Complete)), "pcp_invalidate_query_cache -- Command Successful\n", ""},
		{"pcp_stop_pgpool -m i -s cluster -a", conversation('t', "i", reply('t', frame.Complete)), "pcp_stop_pgpool -- Command Successful\n", ""},
		{"pcp_promote_node -gs 1", conversation('j', "1 \x00s", done), "pcp_promote_node -- Command Successful\n", ""},
		{"pcp_promote_node -n 1 --compat=4.2", conversation('J', "1\x00", done), "pcp_promote_node -- Command Successful\n", ""},
		{"pcp_detach_node -g --json 1", conversation('d', "1\x00", done), `{"type":"detach_node","ok":true}` + "\n", ""},
		{"pcp_attach_node -d 1", conversation('C', "1\x00", notice, reply('c', frame.Complete)), "pcp_attach_node -- Command Successful\n",
			"DEBUG: send: tos=\"M\", len=4\nDEBUG: recv: tos=\"m\", len=8\nDEBUG: send: tos=\"R\", len=44\nDEBUG: recv: tos=\"r\", len=21\n" +
				"DEBUG: send: tos=\"C\", len=6\nDEBUG: recv: tos=\"N\", len=19\nNOTICE:  look\nDEBUG: recv: tos=\"c\", len=20\nDEBUG: send: tos=\"X\", len=4\n"},
		{"pcp_node_count --json", conversation('L', "", reply('l', frame.Complete, "2")), `{"type":"node_count","nodes":2}` + "\n", ""},
		{"pcp_node_info 0", conversation('I', "0\x00", reply('i', node42...)), "h 5432 3 1.000000 quarantine unknown 7   1970-01-01 00:00:00\n", ""},
		{"pcp_node_info -v 0", conversation('I', "0\x00", reply('i', node42...)),
			"Hostname               : h\nPort                   : 5432\nStatus                 : 3\nWeight                 : 1.000000\nStatus Name            : quarantine\n" +
				"Role                   : unknown\nReplication Delay      : 7\nReplication State      : \nReplication Sync State : \nLast Status Change     : 1970-01-01 00:00:00\n", ""},
		{"pcp_node_info", conversation('I', "-1\x00", nodes48...), "h 5432 2 0.000000 up up standby standby 2.001234 streaming async 2026-11-23 07:50:21\n" +
			"h 5433 9 0.000000 unknown up standby standby 1.001234 none none 1970-01-01 00:00:00\n", ""},
		{"pcp_node_info --json", conversation('I', "-1\x00", nodes48...), `[{"type":"node_info","node_id":0,"hostname":"h","port":5432,"status_code":2,"lb_weight":0.000000,"status":"up","pg_status":"up",` +
			`"role":"standby","pg_role":"standby","replication_delay_s":2.001234,"replication_state":"streaming","replication_sync_state":"async","last_status_change":"2026-11-23 07:50:21"},` +
			`{"type":"node_info","node_id":1,"hostname":"h","port":5433,"status_code":9,"lb_weight":0.000000,"status":"unknown","pg_status":"up","role":"standby","pg_role":"standby","replication_delay_s":1.001234}]` + "\n", ""},
		{"pcp_node_info --json 7", conversation('I', "7\x00", reply('i', node42...)), `[{"type":"node_info","node_id":7,"hostname":"h","port":5432,"status_code":3,"lb_weight":1.000000,` +
			`"status":"quarantine","role":"unknown","replication_delay":7}]` + "\n", ""},
		{"pcp_proc_count --json", conversation('N', "", reply('n', frame.Complete, "0")), `{"type":"proc_count","pids":[]}` + "\n", ""},
		{"pcp_proc_info", conversation('P', "0\x00", slot48, reply('p', frame.Complete)), "db me begun 1 3 0 t1 t2 4 t3 5 77 1 9 0 Idle 0 host port SELECT \"1\"\n", ""},
		{"pcp_proc_info --json", conversation('P', "0\x00", slot48, reply('p', frame.Complete)), `[{"type":"proc_info","database":"db","username":"me","start_time":"begun","client_connection_count":1,` +
			`"majorversion":3,"minorversion":0,"backend_connection_time":"t1","client_connection_time":"t2","client_idle_duration":4,"client_disconnection_time":"t3","pool_counter":5,` +
			`"pool_backendpid":77,"pool_connected":1,"pool_pid":9,"backend_id":0,"status":"Idle","load_balance_node":0,"client_host":"host","client_port":"port","statement":"SELECT \"1\""}]` + "\n", ""},
		{"pcp_proc_info --json -P 9", conversation('P', "9\x00", reply('p', frame.Complete)), "[]\n", ""},
		{"pcp_proc_info -P 9", conversation('P', "9\x00", slot42, reply('p', frame.Complete)), "db me 2026-11-23 07:50:15  3 0 5 77 1 9 0\n", ""},
		{"pcp_watchdog_info", conversation('W', "-1\x00", reply('w', frame.Complete, watchdog42)), "2 NO a b\n\na b 9999 9000 4 LEADER\n", ""},
		{"pcp_watchdog_info -n 1", conversation('W', "1\x00", reply('w', frame.Complete, watchdog48)), "2 2 YES a b\n\na b 0 0 4 LEADER 2 REVOKED-NO-SHOW YES\n", ""},
		{"pcp_watchdog_info -v 0", conversation('W', "0\x00", reply('w', frame.Complete, watchdog48)),
			"Watchdog Cluster Information \nTotal Nodes              : 2\nRemote Nodes             : 1\nMember Remote Nodes      : 1\nAlive Remote Nodes       : 0\n" +
				"Nodes required for quorum: 0\nQuorum state             : unknown\nLocal node escalation    : YES\nLeader Node Name         : a\nLeader Host Name         : b\n\n" +
				"Watchdog Node Information \nNode Name         : a\nHost Name         : b\nDelegate IP       : \nPgpool port       : 0\nWatchdog port     : 0\nNode priority     : 0\n" +
				"Status            : 4\nStatus Name       : LEADER\nMembership Status : REVOKED-NO-SHOW\nLifecheck Started : YES\n\n", ""},
		{"pcp_pool_status --json", conversation('B', "", recorded.Message{FromServer: true, Frame: frame.Frame{Type: 'b', Payload: []byte("ArraySize\x00\x00\x00\x00\x01")}},
			reply('b', frame.StatusItem, "port", "9999", "what for"), reply('b', frame.Complete)), `[{"type":"pool_status","item":"port","value":"9999","description":"what for"}]` + "\n", ""},
	} {
		if got, want := played(t, c.wire, strings.Fields(c.words)...), (recorded.Output{Out: c.out, Err: c.err}); got != want {
			t.Errorf("%s:\n%s%s%d\nwanted:\n%s%s", c.words, got.Out, got.Err, got.Status, c.out, c.err)
		}
	}
}
