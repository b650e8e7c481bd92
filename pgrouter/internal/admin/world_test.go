package admin

import (
	"context"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
)

// fixed is a World that does not change.
type fixed struct{ c *config.Config }

func (f *fixed) Config() *config.Config { return f.c }
func (f *fixed) Version() string        { return "pgrouter 1.2" }

func at(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 8, 0, time.Local) }

func (f *fixed) Map() *cluster.Map {
	return &cluster.Map{Epoch: 1, Primary: 0, Nodes: []cluster.Node{
		{ID: 0, Host: "db1", Port: 5432, Weight: 0.25, Status: cluster.Up, Up: true, Role: cluster.Primary,
			PGStatus: "up", PGRole: cluster.Primary, Since: at(7, 49)},
		{ID: 2, Host: "db2", Port: 5433, Weight: 0.75, Status: cluster.Waiting, Up: true, Role: cluster.Standby,
			PGStatus: "up", PGRole: cluster.Standby, LagBytes: 4096, LagTime: 1500 * time.Microsecond,
			ReplicationState: "streaming", SyncState: "async", Since: at(7, 50)},
	}}
}

func (f *fixed) Sessions(context.Context) []Session {
	return []Session{
		{PID: 4190, Start: at(7, 48), Database: "test", User: "ann", Connected: at(7, 51), PoolCounter: 2, State: Executing},
		{PID: 4191, Start: at(7, 48), State: Waiting},
	}
}

func (f *fixed) Pools(context.Context) []Pool {
	return []Pool{{PID: 4190, Start: at(7, 48), PoolID: 1, BackendID: 2, Database: "test", User: "ann", Connected: at(7, 49),
		ClientCame: at(7, 50), ClientIdle: 3500 * time.Millisecond, Major: 3, Minor: 2, Counter: 7, BackendPID: 99, InUse: true, State: Idle}}
}

func (f *fixed) NodeStats() []NodeStats {
	return []NodeStats{{NodeID: 2, Selects: 10, Inserts: 1, Updates: 2, Deletes: 3, DDL: 4, Other: 5, Panics: 6, Fatals: 7, Errors: 8}}
}

func (f *fixed) Health() []cluster.HealthStats {
	return []cluster.HealthStats{{NodeID: 0, Total: 15, Success: 14, Skip: 1, Retries: 7, MaxRetries: 3, MinDuration: 14 * time.Millisecond,
		MaxDuration: 55 * time.Millisecond, SumDuration: 316 * time.Millisecond, Last: at(8, 1), LastSuccess: at(8, 1), LastSkipped: at(8, 0)}}
}

func newFixed(t *testing.T) *fixed {
	t.Helper()
	c, err := config.Parse("test.conf", []byte(`
backend_hostname0 = 'db1'
backend_port0 = 5432
backend_data_directory0 = '/data1'
backend_hostname2 = 'db2'
backend_port2 = 5433
backend_data_directory2 = '/data2'
sr_check_password = 'hidden'
`))
	if err != nil {
		t.Fatal(err)
	}
	return &fixed{c}
}
