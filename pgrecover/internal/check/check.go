// Package check tries on every server what it takes to be followed and to follow, because a failover is a bad time to
// find out that one cannot.
package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
)

// A Result is what was found out about one server.
type Result struct {
	backend.Server
	Words    string // when all is well
	Problems []error

	state
}

// state is what a server tells.
type state struct {
	asked     bool
	super     bool
	standby   bool
	streams   bool
	system    string
	walLevel  string
	senders   int // max_wal_senders
	sending   int
	slots     int // max_replication_slots
	slotsUsed []string
	slotName  string // primary_slot_name
	hot       string
	conninfo  string
	version   int
}

const question = `
SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), pg_is_in_recovery(),
       EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming'), (SELECT system_identifier::text FROM pg_control_system()),
       current_setting('wal_level'), current_setting('max_wal_senders')::int, (SELECT count(*)::int FROM pg_stat_replication),
       current_setting('max_replication_slots')::int, ARRAY(SELECT slot_name::text FROM pg_replication_slots),
       coalesce(current_setting('primary_slot_name', true), ''), current_setting('hot_standby'),
       coalesce(current_setting('primary_conninfo', true), ''), current_setting('server_version_num')::int`

// Servers asks all servers at once, and returns what it found in their order.
func Servers(ctx context.Context, list []backend.Server) []Result {
	results := make([]Result, len(list))
	var wg sync.WaitGroup
	for i, s := range list {
		wg.Go(func() {
			results[i].Server = s
			if err := results[i].ask(ctx); err != nil {
				results[i].Problems = append(results[i].Problems, err)
			}
		})
	}
	wg.Wait()
	logins := replicationLogins(results)
	for i := range results {
		wg.Go(func() { results[i].judge(ctx, logins) })
	}
	wg.Wait()
	judgeTogether(results)
	return results
}

func (r *Result) ask(ctx context.Context) error {
	conn, err := r.Connect(ctx)
	if err != nil {
		return fmt.Errorf("%w: set recovery_user and recovery_password, and a line for it in pg_hba.conf of node %d", err, r.ID)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, question, pgx.QueryExecModeSimpleProtocol).Scan(&r.super, &r.standby, &r.streams, &r.system, &r.walLevel,
		&r.senders, &r.sending, &r.slots, &r.slotsUsed, &r.slotName, &r.hot, &r.conninfo, &r.version)
	if err != nil {
		return fmt.Errorf("node %d (%s): ask as %s, who may have to be a superuser: %w", r.ID, r.Addr(), r.User, err)
	}
	r.asked = true
	return nil
}

// complain notes a problem and its mend.
func (r *Result) complain(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Errorf("node %d (%s): %w", r.ID, r.Addr(), fmt.Errorf(format, args...)))
}

// judge looks at one server by itself. Each may become the primary, so each must be fit to be followed.
func (r *Result) judge(ctx context.Context, logins []login) {
	if !r.asked {
		return
	}
	r.Words = "a primary, fit to be followed"
	if r.standby {
		r.Words = "a standby, fit to be followed"
	}
	if r.version < 120000 {
		r.complain("it is older than PostgreSQL 12, whose standbys pgrecover does not know: upgrade it")
	}
	if !r.super {
		r.complain("%s is no superuser, so it cannot change primary_conninfo and read the history of timelines: set recovery_user", r.User)
	}
	if r.walLevel == "minimal" {
		r.complain("wal_level is minimal, and nobody can follow it: set wal_level = replica and restart it")
	}
	switch {
	case r.senders == 0:
		r.complain("max_wal_senders is 0, and nobody can follow it: set it to 10 and restart it")
	case r.senders <= r.sending:
		r.complain("all of its max_wal_senders = %d are in use: set more and restart it", r.senders)
	}
	if r.hot != "on" {
		r.complain("hot_standby is off, so as a standby it cannot be asked whether it follows: set hot_standby = on and restart it")
	}
	if r.standby && !r.streams {
		r.complain("it is a standby and streams from nobody: pgrecover follow --node %d --to the primary", r.ID)
	}
	for _, l := range logins {
		if err := l.try(ctx, r.Server); err != nil {
			r.complain("a standby cannot log in for replication as %s: %w: add \"host replication %s ADDRESS scram-sha-256\" to its pg_hba.conf, and mind the password", l.user(), err, l.user())
		}
	}
}

// judgeTogether compares the servers.
func judgeTogether(results []Result) {
	system := ""
	for i := range results {
		r := &results[i]
		switch {
		case !r.asked:
			continue
		case system == "":
			system = r.system
		case r.system != system:
			r.complain("it belongs to another cluster (system identifier %s, not %s): make it a copy by pg_basebackup, or correct the configuration", r.system, system)
		}
		var want []string
		for _, o := range results {
			if o.standby && o.ID != r.ID && o.slotName != "" && !slices.Contains(r.slotsUsed, o.slotName) {
				want = append(want, o.slotName)
			}
		}
		if free := r.slots - len(r.slotsUsed); free < len(want) {
			r.complain("max_replication_slots = %d leaves %d free, and as the primary it needs %s: set more and restart it", r.slots, free, strings.Join(want, ", "))
		}
	}
}
