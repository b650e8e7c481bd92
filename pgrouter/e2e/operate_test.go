package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/control"
)

// ask asks the router over its control socket.
func (r *router) ask(t testing.TB, op string, args, result any) error {
	t.Helper()
	return control.Call(within(t), filepath.Join(r.dir, "pgrouter.sock"), op, args, result)
}

// TestOperate: what pcpd asks for is there: the tables, and a reload that says what is wrong.
func TestOperate(t *testing.T) {
	needRouter(t)
	c := shared(t)
	r := start(t, c, reads)
	r.connect(t)
	for _, name := range []string{"pool_nodes", "pool_status", "pool_processes", "pool_pools", "pool_health_check_stats", "pool_version", "pool_cache"} {
		var table struct {
			Columns []string
			Rows    [][]string
		}
		if err := r.ask(t, "show", map[string]string{"name": name}, &table); err != nil || len(table.Columns) == 0 {
			t.Errorf("%s: %+v, %v", name, table, err)
		}
		if name == "pool_processes" && len(table.Rows) != 1 {
			t.Errorf("the sessions are %q", table.Rows)
		}
	}
	if err := r.ask(t, "rotate", nil, nil); err != nil {
		t.Error(err)
	}
	for op, wanted := range map[string]string{"show": `there is no table ""`, "cache.flush": "the query cache is off", "nonsense": `no operation "nonsense"`} {
		if err := r.ask(t, op, nil, nil); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if err := r.ask(t, "stop", map[string]string{"mode": "soon"}, nil); err == nil || !strings.Contains(err.Error(), `"soon"`) {
		t.Errorf("an unknown mode: %v", err)
	}
	r.write(t, "pgpool.conf", r.conf(c, "no_such_parameter = 1\n"))
	if err := r.ask(t, "reload", nil, nil); err == nil || !strings.Contains(err.Error(), `unknown parameter "no_such_parameter"`) {
		t.Errorf("a reload of a wrong file: %v", err)
	}
	r.write(t, "pgpool.conf", r.conf(c, "num_init_children = 77\n"))
	if err := r.ask(t, "reload", nil, nil); err != nil {
		t.Errorf("a reload: %v", err)
	}
	var st struct {
		Max int `json:"max_sessions"`
	}
	if err := r.ask(t, "status", nil, &st); err != nil || st.Max != 77 {
		t.Errorf("when the answer comes, the new file is in force: %+v, %v", st, err)
	}
}

// TestStopModes: a smart stop lets clients stay as long as they want to, and a harsher one may follow.
func TestStopModes(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), reads+"shutdown_timeout = 3600\n")
	idle, open := r.connect(t), r.raw(t)
	open.send(t, query("BEGIN"))
	open.receive(t, "begin", "done BEGIN", "ready T")
	stop := func(mode string) {
		t.Helper()
		if err := r.ask(t, "stop", map[string]string{"mode": mode}, nil); err != nil {
			t.Fatal(err)
		}
	}
	stop("smart")
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		conn, err := pgconn.Connect(within(t), r.dsn("postgres", "postgres"))
		if err != nil {
			break
		}
		conn.Close(within(t))
		if time.Now().After(end) {
			t.Fatal("clients are still let in")
		}
	}
	for range 3 {
		want(t, "an idle client goes on", simple(t, idle, "SELECT 1"), "1")
	}
	stop("fast")
	for end := time.Now().Add(limit); ; {
		if _, err := try(t, idle, "SELECT 1"); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("an idle client goes on after a fast stop")
		}
	}
	open.send(t, query("SELECT 1"))
	open.receive(t, "the open transaction goes on", "columns 1", "row 1", "done SELECT 1", "ready T")
	stop("immediate")
	open.receive(t, "the open transaction after an immediate stop", "error 57P01")
	select {
	case <-r.done:
	case <-time.After(limit):
		t.Fatal("the router does not end")
	}
}

// TestSmartStopEnds: with the last client the router goes.
func TestSmartStopEnds(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), reads)
	client := r.connect(t)
	if err := r.ask(t, "stop", nil, nil); err != nil {
		t.Fatal(err)
	}
	want(t, "a client", simple(t, client, "SELECT 1"), "1")
	client.Close(within(t))
	select {
	case <-r.done:
	case <-time.After(limit):
		t.Fatal("the router does not end")
	}
}
