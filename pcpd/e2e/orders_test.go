package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOrders has Pgpool-II's own programs order the crew about.
func TestOrders(t *testing.T) {
	w := newWorld(t)
	w.crew()
	w.connect()
	w.until(0, up, "primary")
	w.until(1, up, "standby")

	w.says("pcp_node_count", "2\n")
	w.has("pcp_proc_info", "postgres postgres ", " Idle\n")
	w.has("pcp_pool_status", fmt.Sprintf("name : port\nvalue: %d\n", w.port), "name : backend_status1\n")
	for node := range 2 {
		if words := strings.Fields(w.debian(w.pcp, fmt.Sprint("pcp_health_check_stats ", node)).Out); len(words) < 20 || words[0] != fmt.Sprint(node) {
			t.Errorf("the statistics of node %d are %q", node, words)
		}
	}

	// When an order is answered it has been carried out.
	w.order("pcp_detach_node 1")
	w.has("pcp_node_info 1", " down ")
	w.refuses("pcp_detach_node 1", "node id : 1 status: [3] is not valid")
	w.order("pcp_attach_node 1")
	w.until(1, up, "standby")
	w.disconnect() // it may have read there
	w.order("pcp_detach_node -g 1")
	w.has("pcp_node_info 1", " down ")
	w.order("pcp_attach_node 1")
	w.until(1, up, "standby")

	w.refuses("pcp_promote_node 1", "use pcp_promote_node --switchover (-s)")
	w.order("pcp_promote_node -s 1")
	w.until(1, up, "primary")
	w.until(0, up, "standby")
	w.connect()
	w.order("pcp_promote_node -s 0")
	w.until(0, up, "primary")
	w.until(1, up, "standby")
	w.connect()

	conf := filepath.Join(w.dir, "pgpool.conf")
	right, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	w.write("pgpool.conf", string(right)+"prot = 1\n")
	w.refuses("pcp_reload_config", `unknown parameter "prot" (did you mean port?)`)
	w.write("pgpool.conf", string(right)+"num_init_children = 5\n")
	w.order("pcp_reload_config")
	w.has("pcp_pool_status", "name : num_init_children\nvalue: 5\n")

	w.disconnect()
	w.order("pcp_stop_pgpool -m fast")
	for _, address := range []string{fmt.Sprint("127.0.0.1:", w.port), fmt.Sprint("127.0.0.1:", w.pcp), filepath.Join(w.dir, "pgwatch.sock")} {
		w.ends(address)
	}
}

// says expects a program to print exactly that.
func (w *world) says(words, want string) {
	w.t.Helper()
	if got := w.debian(w.pcp, words); got.Out != want {
		w.t.Errorf("%s: %+v, wanted %q", words, got, want)
	}
}

// has expects a program to print these.
func (w *world) has(words string, wants ...string) {
	w.t.Helper()
	got := w.debian(w.pcp, words)
	for _, want := range wants {
		if !strings.Contains(got.Out, want) {
			w.t.Errorf("%s: %+v, wanted %q in it", words, got, want)
		}
	}
}

// refuses expects a program to complain with that.
func (w *world) refuses(words, want string) {
	w.t.Helper()
	if got := w.debian(w.pcp, words); !strings.Contains(got.Err, want) || got.Out != "" {
		w.t.Errorf("%s: %+v, wanted %q in it", words, got, want)
	}
}

// ends waits until nobody answers at an address.
func (w *world) ends(address string) {
	w.t.Helper()
	network := "tcp"
	if filepath.IsAbs(address) {
		network = "unix"
	}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial(network, address)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(end) {
			w.t.Fatalf("%s still answers", address)
		}
	}
}
