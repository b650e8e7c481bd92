package cluster

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// identity tells servers apart: two ways lead to the same server when it is the same.
type identity struct {
	started string // when the postmaster started, to the microsecond
	system  string // the system identifier, shared by all servers of a cluster; "" when we may not read it
}

// sample is what a server says of itself at one time.
type sample struct {
	identity
	recovery bool
	lsn      uint64 // written on a primary, replayed on a standby
	timeline uint64 // on a primary only
	replicas []replica
}

// replica is a row of pg_stat_replication.
type replica struct {
	name, addr  string
	state, sync string
	lag         time.Duration
}

const (
	identityQuery = "SELECT pg_postmaster_start_time()::text"
	systemQuery   = "SELECT system_identifier::text FROM pg_control_system()"

	// pg_control_checkpoint() would show the timeline of before a promotion until the next checkpoint.
	sampleQuery = `SELECT r,
 ((CASE WHEN r THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) - '0/0')::text,
 CASE WHEN NOT r THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END
 FROM pg_is_in_recovery() AS r`
	replicasQuery = `SELECT application_name, host(client_addr), state, sync_state,
 (extract(epoch FROM replay_lag) * 1000000)::bigint FROM pg_stat_replication`
)

// identify asks who the server is. It is done once for a connection, as neither part changes while it lives.
func (c *conn) identify(ctx context.Context, limit time.Duration) (identity, error) {
	rows, err := c.rows(ctx, limit, identityQuery)
	if err != nil || len(rows) != 1 {
		return identity{}, fmt.Errorf("ask for the start time: %w", orMissing(err))
	}
	id := identity{started: string(rows[0][0])}
	if rows, err = c.rows(ctx, limit, systemQuery); err == nil && len(rows) == 1 {
		id.system = string(rows[0][0])
	}
	return id, nil
}

// sample asks for role, position and, on a primary, the standbys.
func (c *conn) sample(ctx context.Context, limit time.Duration) (*sample, error) {
	rows, err := c.rows(ctx, limit, sampleQuery)
	if err != nil || len(rows) != 1 || len(rows[0]) != 3 {
		return nil, fmt.Errorf("ask for role and position: %w", orMissing(err))
	}
	s := &sample{recovery: string(rows[0][0]) == "t"}
	// NULL, as on a standby that has replayed nothing yet, counts as 0.
	s.lsn, _ = strconv.ParseUint(string(rows[0][1]), 10, 64)
	s.timeline, _ = strconv.ParseUint(string(rows[0][2]), 16, 32)
	if s.recovery {
		return s, nil
	}
	rows, err = c.rows(ctx, limit, replicasQuery)
	if err != nil {
		return nil, fmt.Errorf("ask for the standbys: %w", err)
	}
	for _, r := range rows {
		us, _ := strconv.ParseInt(string(r[4]), 10, 64)
		s.replicas = append(s.replicas, replica{name: string(r[0]), addr: string(r[1]), state: string(r[2]),
			sync: string(r[3]), lag: time.Duration(us) * time.Microsecond})
	}
	return s, nil
}

func orMissing(err error) error {
	if err == nil {
		return fmt.Errorf("the answer has not the rows it must have")
	}
	return err
}
