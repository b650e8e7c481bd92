package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Identity tells servers apart: two ways lead to the same server when it is the same.
type Identity struct {
	Started string // when the postmaster started, to the microsecond
	System  string // the system identifier, shared by all servers of a cluster; "" when we may not read it
}

// Sample is what a server says of itself at one time. Positions are bytes of WAL, 0 where there is none.
type Sample struct {
	Identity  // as of the session's begin
	Standby   bool
	LSN       uint64 // written on a primary, replayed on a standby
	Timeline  uint32 // that a primary writes, or a standby receives
	Replicas  []Replica
	SyncNames string // synchronous_standby_names

	// Of a standby only.
	Received uint64        // flushed to its disk
	Upstream string        // host:port that it streams from; "" when it does not, or we may not see it
	Lag      time.Duration // since the commit of the last transaction it replayed; 0 when it has replayed all it has, or none since its start
	Paused   bool          // replay is paused
}

// Replica is a row of a primary's pg_stat_replication.
type Replica struct {
	Name, Addr  string // application_name, client_addr
	State, Sync string
	Flush       uint64
	Lag         time.Duration // replay_lag
}

const (
	identityQuery = "SELECT pg_postmaster_start_time()::text"
	systemQuery   = "SELECT system_identifier::text FROM pg_control_system()"

	// pg_control_checkpoint() would show the timeline of before a promotion until the next checkpoint. The columns of
	// pg_stat_wal_receiver changed in versions 11 and 13, and a JSON object does not mind.
	//
	// What was replayed was received, also before a restart, after which pg_last_wal_receive_lsn() is empty.
	sampleQuery = `SELECT r,
 CASE WHEN r THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0',
 CASE WHEN r THEN w->>'received_tli' ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint::text END,
 current_setting('synchronous_standby_names'),
 CASE WHEN r THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0' END,
 CASE WHEN w->>'status' = 'streaming' THEN coalesce(w->>'sender_host', substring(w->>'conninfo' from '\mhost=(\S+)')) END,
 coalesce(w->>'sender_port', substring(w->>'conninfo' from '\mport=(\d+)')),
 CASE WHEN r AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
  THEN (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000000)::bigint END,
 CASE WHEN r THEN pg_is_wal_replay_paused() END
 FROM pg_is_in_recovery() AS r LEFT JOIN (SELECT to_jsonb(v) AS w FROM pg_stat_wal_receiver AS v) AS receiver ON r`

	replicasQuery = `SELECT application_name, host(client_addr), state, sync_state, flush_lsn - '0/0',
 (extract(epoch FROM replay_lag) * 1000000)::bigint FROM pg_stat_replication`

	// Both are written at some time after a standby has gone to another timeline, so they may be too low, never too high.
	floorQuery = `SELECT greatest(c.timeline_id, r.min_recovery_end_timeline) FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r`
)

// Identify asks who the server is. It is done once for a connection, as neither part changes while it lives.
func (c *Conn) Identify(ctx context.Context) (Identity, error) {
	rows, err := c.rows(ctx, identityQuery)
	if err != nil || len(rows) != 1 {
		return Identity{}, fmt.Errorf("ask for the start time: %w", orMissing(err))
	}
	id := Identity{Started: string(rows[0][0])}
	rows, err = c.rows(ctx, systemQuery)
	switch {
	case err == nil && len(rows) == 1:
		id.System = string(rows[0][0])
	case err != nil && c.pg.IsClosed():
		return Identity{}, fmt.Errorf("ask for the system identifier: %w", err)
	}
	return id, nil
}

// Sample asks for role and position and, on a primary, the standbys. It leaves Identity empty.
func (c *Conn) Sample(ctx context.Context) (*Sample, error) {
	rows, err := c.rows(ctx, sampleQuery)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55000" {
		// The server was promoted in the middle of the query. That happens once.
		rows, err = c.rows(ctx, sampleQuery)
	}
	if err != nil || len(rows) != 1 || len(rows[0]) != 9 {
		return nil, fmt.Errorf("ask for role and position: %w", orMissing(err))
	}
	r := rows[0]
	s := &Sample{
		Standby:   string(r[0]) == "t",
		LSN:       number(r[1]),
		Timeline:  uint32(number(r[2])),
		SyncNames: string(r[3]),
		Received:  number(r[4]),
		Lag:       micros(r[7]),
		Paused:    string(r[8]) == "t",
	}
	if r[5] != nil {
		s.Upstream = net.JoinHostPort(string(r[5]), string(r[6]))
	}
	if !s.Standby {
		s.Replicas, err = c.replicas(ctx)
		return s, err
	}
	if s.Timeline == 0 {
		// Nothing is received, or we may not see it. We may not be allowed this either, and then do without.
		rows, err = c.rows(ctx, floorQuery)
		switch {
		case err == nil && len(rows) == 1:
			s.Timeline = uint32(number(rows[0][0]))
		case err != nil && c.pg.IsClosed():
			return nil, fmt.Errorf("ask for the timeline: %w", err)
		}
	}
	return s, nil
}

func (c *Conn) replicas(ctx context.Context) ([]Replica, error) {
	rows, err := c.rows(ctx, replicasQuery)
	if err != nil {
		return nil, fmt.Errorf("ask for the standbys: %w", err)
	}
	var all []Replica
	for _, r := range rows {
		all = append(all, Replica{Name: string(r[0]), Addr: string(r[1]), State: string(r[2]), Sync: string(r[3]),
			Flush: number(r[4]), Lag: micros(r[5])})
	}
	return all, nil
}

// number reads a number that the server sent; NULL counts as 0.
func number(b []byte) uint64 {
	n, _ := strconv.ParseUint(string(b), 10, 64)
	return n
}

func micros(b []byte) time.Duration {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return time.Duration(n) * time.Microsecond
}

func orMissing(err error) error {
	if err == nil {
		return errors.New("the answer has not the rows it must have")
	}
	return err
}
