package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/pcpd/internal/recorded"
)

// hosts are addresses of the loopback interface, which look like three hosts to Pgpool-II.
var hosts = []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}

// together is three servers that share a virtual address.
var together = moment{"watchdog", "Three servers share a virtual address, and the leader is asked.", nil, []string{
	"pcp_watchdog_info", "pcp_watchdog_info -n 0", "pcp_watchdog_info -n 1", "pcp_watchdog_info -n 9", "pcp_node_count", "pcp_reload_config -s cluster",
	"pcp_stop_pgpool -s c -m fast"}}

// TestRecordWatchdog writes what three Pgpool-II say.
func TestRecordWatchdog(t *testing.T) {
	if !*record {
		t.Skip("it is testdata/record that writes recordings")
	}
	w := newWorld(t)
	for i, conf := range w.members() {
		w.startPgpool(w.member(i), conf)
		// The first is the leader, which the others then find.
		w.quorum(i + 1)
	}
	w.record(together)
}

// TestWatchdogLikePgpool is TestLikePgpool for three nodes.
func TestWatchdogLikePgpool(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs a whole crew")
	}
	w := newWorld(t)
	for i, conf := range w.members() {
		w.startCrew(w.member(i), conf)
	}
	w.quorum(len(hosts))
	w.compareAll(together)
}

// member is the folder of one of the nodes.
func (w *world) member(i int) string { return filepath.Join(w.dir, fmt.Sprint("node", i)) }

// members makes folders and configurations of nodes that know each other. The first has the highest priority.
func (w *world) members() (confs []string) {
	w.t.Helper()
	ports := freeport.Ports(w.t, 3*len(hosts))
	var shared strings.Builder
	for i, host := range hosts {
		for j, name := range []string{"wd_port", "pgpool_port", "heartbeat_port"} {
			fmt.Fprintf(&shared, "%s%d = %d\n", name, i, ports[3*i+j])
		}
		fmt.Fprintf(&shared, "hostname%d = '%s'\nheartbeat_hostname%d = '%s'\n", i, host, i, host)
	}
	shared.WriteString("use_watchdog = on\nwd_authkey = 'of this test'\nwd_interval = 1\nwd_heartbeat_deadtime = 5\n")
	for i, host := range hosts {
		if err := os.Mkdir(w.member(i), 0o700); err != nil {
			w.t.Fatal(err)
		}
		w.write(fmt.Sprintf("node%d/pgpool_node_id", i), fmt.Sprintln(i))
		confs = append(confs, w.conf()+shared.String()+fmt.Sprintf("listen_addresses = '%s'\npcp_listen_addresses = '%s'\nport = %d\nwd_priority = %d\n",
			host, host, ports[3*i+1], len(hosts)-i))
	}
	return confs
}

// quorum waits until so many have found each other, and asks the leader from then on.
func (w *world) quorum(alive int) {
	w.t.Helper()
	var said recorded.Output
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, w.host = range hosts[:alive] {
			said = w.debian(w.pcp, "pcp_watchdog_info")
			if strings.Count(said.Out, " LEADER 0 MEMBER\n") == 1 &&
				strings.Count(said.Out, " STANDBY 0 MEMBER\n") == alive-1 && (alive == 1 || strings.HasPrefix(said.Out, "3 3 YES ")) {
				return
			}
		}
	}
	w.t.Fatalf("%d servers do not find each other: %+v", alive, said)
}
