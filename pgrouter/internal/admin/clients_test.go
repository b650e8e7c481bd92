package admin

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// serve answers clients with an Engine each, as the router's core will, and returns the port.
func serve(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	w := newFixed(t)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				session(c, New(w))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

// session logs a client in and answers until it leaves.
func session(c net.Conn, e *Engine) {
	b := pgproto3.NewBackend(c, c)
	for {
		m, err := b.ReceiveStartupMessage()
		if err != nil {
			return
		}
		if _, ok := m.(*pgproto3.StartupMessage); ok {
			break
		}
		c.Write([]byte{'N'})
	}
	ready := encode(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	c.Write(encode(&pgproto3.AuthenticationOk{}, &pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"},
		&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"},
		&pgproto3.ParameterStatus{Name: "server_version", Value: "15.0"}))
	c.Write(ready)
	var run []byte
	for {
		m, err := b.Receive()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *pgproto3.Terminate:
			return
		case *pgproto3.Query:
			c.Write(append(e.Query(context.Background(), m.String), ready...))
		case *pgproto3.Sync:
			reply, _ := e.Batch(context.Background(), run)
			run = nil
			c.Write(append(reply, ready...))
		default:
			run, _ = m.Encode(run)
		}
	}
}

func TestPgxReadsEverythingInAllModes(t *testing.T) {
	port := serve(t)
	ctx := context.Background()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			cfg, err := pgx.ParseConfig("host=127.0.0.1 user=ann dbname=test sslmode=disable port=" + strconv.Itoa(port))
			if err != nil {
				t.Fatal(err)
			}
			cfg.DefaultQueryExecMode = mode
			c, err := pgx.ConnectConfig(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(ctx)
			for _, word := range shows {
				for range 2 { // the second time from the driver's cache
					rows, err := c.Query(ctx, "SHOW "+word)
					if err != nil {
						t.Fatalf("%s: %v", word, err)
					}
					got, err := pgx.CollectRows(rows, pgx.RowToMap)
					if err != nil || len(got) == 0 || len(got[0]) != len(columns[word]) {
						t.Fatalf("%s: %v, %v", word, got, err)
					}
				}
			}
			var role string
			if err := c.QueryRow(ctx, "PGPOOL SHOW port").Scan(&role); err != nil || role != "9999" {
				t.Errorf("PGPOOL SHOW port: %q, %v", role, err)
			}
			if tag, err := c.Exec(ctx, "PGPOOL SET client_idle_limit = 3"); err != nil || tag.String() != "SET" {
				t.Errorf("PGPOOL SET: %q, %v", tag, err)
			}
			if _, err := c.Exec(ctx, "PGPOOL SHOW bogus"); err == nil || !strings.Contains(err.Error(), "42704") {
				t.Errorf("PGPOOL SHOW bogus: %v", err)
			}
		})
	}
}

func TestPsqlReadsNodes(t *testing.T) {
	psql := pgtest.Bin(t) + "/psql"
	c := exec.Command(psql, "-XAt", "-h", "127.0.0.1", "-p", strconv.Itoa(serve(t)), "-U", "ann", "test",
		"-c", "SHOW pool_nodes", "-c", "PGPOOL SET log_statement = on", "-c", "PGPOOL SHOW log_statement")
	out, err := c.CombinedOutput()
	want := "0|db1|5432|up|up|0.250000|primary|primary|0|false|0|||2026-11-23 07:49:08\n" +
		"2|db2|5433|waiting|up|0.750000|standby|standby|10|false|4096|streaming|async|2026-11-23 07:50:08\nSET\non\n"
	if err != nil || string(out) != want {
		t.Errorf("psql: %v\ngot  %s\nwant %s", err, out, want)
	}
}
