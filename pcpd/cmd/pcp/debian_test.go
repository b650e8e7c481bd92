package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
	"github.com/pgcrew/pgcrew/pcpd/internal/recorded"
)

// debian runs the program that Debian's package has under the name, against a server that says what was recorded.
func debian(t *testing.T, wire []recorded.Message, words ...string) recorded.Output {
	t.Helper()
	t.Log("Debian's", words)
	port, end := serve(t, wire)
	defer end()
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, []byte(recorded.Passwords), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(words[1:], "-h", "127.0.0.1", "-p", port, "-w", "-U", recorded.User)
	cmd := exec.Command(filepath.Join("/usr/sbin", words[0]), args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "PCPPASSFILE="+file)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return recorded.Output{Out: out.String(), Err: errs.String(), Status: cmd.ProcessState.ExitCode()}
}

// Answers that a server gives rarely are printed as Debian's programs print them.
func TestLikeDebian(t *testing.T) {
	const program = "/usr/sbin/pcp_node_info"
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("PGCREW_REQUIRE_POSTGRES") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	node := func(texts ...string) recorded.Message {
		return reply('i', append([]string{frame.NodeInfoItem}, texts...)...)
	}
	slot := func(texts ...string) recorded.Message {
		return reply('p', append([]string{frame.ProcInfoItem}, texts...)...)
	}
	refuse := func(fields string) recorded.Message {
		return recorded.Message{FromServer: true, Frame: frame.Frame{Type: frame.ErrorReply, Payload: []byte(fields)}}
	}
	nodes := []recorded.Message{reply('i', frame.ArraySize, "5"),
		node("a host", "0", "0", "0", "unknown", "0.000000", "0", "unknown", "0", "", "", "0"),
		node("h", "5432", "1", "1", "up", "2147483647.000000", "1", "standby", "1", "catchup", "", "1"),
		node("h", "5432", "3", "1", "down", "715827882.333333", "2", "primary", "9223372036854775807", "streaming", "quorum", "1795420221"),
		node("/run/x", "5432", "3", "0", "down", "1.5", "3", "standby", "77", "streaming", "potential", "1795420221"),
		node("h", "5432", "7", "0", "", "1.0", "9", "", "0", "", "", "1795420221"),
		reply('i', frame.Complete)}
	slots := []recorded.Message{reply('p', frame.ArraySize, "2"),
		slot("9", "begun (0:01 before process restarting)", "0", "0", "0", "", "", "", "", "", "0", "0", "0", "0", "0", "0", "Wait for connection"),
		slot("10", "begun", "1", "1", "1", "d b", "me", "t1", "t2", "t3", "4", "3", "2", "5", "77", "1", "Idle in transaction"), reply('p', frame.Complete)}
	free := []recorded.Message{reply('p', frame.ArraySize, "1"), slots[1], reply('p', frame.Complete)}
	watchdog := func(quorum string) recorded.Message {
		return reply('w', frame.Complete, `{"RemoteNodeCount":2,"MemberRemoteNodeCount":1,"NodesRequireForQuorum":2,"QuorumStatus":`+quorum+`,"AliveNodeCount":0,"Escalated":0,"LeaderNodeName":"Not Set",`+
			`"LeaderHostName":"Not Set","NodeCount":1,"WatchdogNodes": [{"ID":3,"State":8,"Membership":3,"MembershipString":"REVOKED-LOST","NodeName":"a b","HostName":"h","StateName":"LOST",`+
			`"DelegateIP":"192.0.2.1","WdPort":9000,"PgpoolPort":9999,"Priority":1}]}`)
	}
	for _, c := range []struct {
		words string
		wire  []recorded.Message
	}{
		{"pcp_node_count", conversation('L', "", reply('l', frame.Complete, "128"))},
		{"pcp_node_info", conversation('I', "-1\x00", nodes...)},
		{"pcp_node_info 1", conversation('I', "1\x00", nodes[0], nodes[1], nodes[6])},
		{"pcp_node_info -a -n 1", conversation('I', "1\x00", nodes[0], nodes[1], nodes[6])},
		{"pcp_proc_count", conversation('N', "", reply('n', frame.Complete, "3", "7", "77", "777"))},
		{"pcp_proc_info", conversation('P', "0\x00", slots...)},
		{"pcp_proc_info -a 9", conversation('P', "9\x00", slots...)},
		{"pcp_proc_info --process-id=9", conversation('P', "9\x00", free...)},
		{"pcp_watchdog_info", conversation('W', "-1\x00", watchdog("0"))},
		{"pcp_watchdog_info -n 3", conversation('W', "3\x00", watchdog("-1"))},
		{"pcp_watchdog_info 0", conversation('W', "0\x00", watchdog("-2"))},
		{"pcp_attach_node 3", conversation('C', "3\x00", refuse("SERROR\x00Mno\x00Dwhy\nhow\x00\x00"))},
		{"pcp_detach_node -g 3", conversation('d', "3\x00", refuse("SFATAL\x00CXX000\x00Mno\x00\x00"))},
		{"pcp_promote_node --switchover --node-id 3", conversation('J', "3 \x00s", reply('d', frame.Complete))},
		{"pcp_promote_node -gs 3", conversation('j', "3 \x00s", reply('d', frame.Complete))},
		{"pcp_recovery_node 127", conversation('O', "127\x00", reply('c', frame.Complete))},
		{"pcp_stop_pgpool", conversation('T', "s", reply('t', frame.Complete))},
		{"pcp_stop_pgpool -mi -sc", conversation('t', "i", reply('t', frame.Complete))},
		{"pcp_reload_config --scope local", conversation('Z', "l", reply('z', frame.Complete))},
		{"pcp_node_count one two", conversation('L', "", reply('l', frame.Complete, "1"))},
	} {
		for _, more := range []string{"", " -v"} {
			t.Run(c.words+more, func(t *testing.T) {
				words := strings.Fields(c.words + more)
				want := debian(t, c.wire, words...)
				compare(t, played(t, c.wire, words...), want)
			})
		}
	}
}
