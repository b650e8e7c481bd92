package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// sourceQuestion asks what pg_rewind needs to know beforehand. The functions are those of its chapter in PostgreSQL's manual.
const sourceQuestion = `
SELECT current_setting('full_page_writes') = 'on',
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       OR has_function_privilege('pg_ls_dir(text, boolean, boolean)', 'EXECUTE') AND has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE')
          AND has_function_privilege('pg_read_binary_file(text)', 'EXECUTE') AND has_function_privilege('pg_read_binary_file(text, bigint, bigint, boolean)', 'EXECUTE')`

// askSource asks the primary. A server that is none is a follow.Refusal.
func askSource(ctx context.Context, conn *pgx.Conn, s backend.Server) (src Source, err error) {
	p, err := follow.Ask(ctx, conn)
	if err != nil {
		return src, fmt.Errorf("ask node %d (%s) for its position: %w", s.ID, s.Addr(), err)
	}
	if p.Standby {
		return src, follow.Refusal{Why: fmt.Sprintf("node %d is a standby itself", s.ID), Mend: "name the primary"}
	}
	src = Source{SystemID: p.SystemID, Version: p.Version, Written: p.Received}
	if src.History, err = follow.History(ctx, conn, p.Timeline); err != nil {
		return src, fmt.Errorf("node %d (%s): %w", s.ID, s.Addr(), err)
	}
	var may bool
	if err := conn.QueryRow(ctx, sourceQuestion).Scan(&src.FullPageWrites, &may); err != nil {
		return src, fmt.Errorf("ask node %d (%s), as %s, who may have to be a superuser: %w", s.ID, s.Addr(), s.User, err)
	}
	if !may {
		src.NoRewind = fmt.Sprintf("%s may not read the files of node %d (make it a superuser, or grant the functions that pg_rewind needs)", s.User, s.ID)
	}
	if src.Oldest, err = follow.Oldest(ctx, conn); err != nil {
		return src, fmt.Errorf("node %d (%s): %w", s.ID, s.Addr(), err)
	}
	if src.Bin, err = sourceBin(ctx, conn); err != nil {
		return src, fmt.Errorf("ask node %d (%s) for the folder of its programs: %w", s.ID, s.Addr(), err)
	}
	return src, nil
}

// sourceBin is a question of its own because only a superuser, or whom one has granted it, may ask it.
func sourceBin(ctx context.Context, conn *pgx.Conn) (dir string, err error) {
	err = conn.QueryRow(ctx, "SELECT setting FROM pg_config() WHERE name = 'BINDIR'").Scan(&dir)
	const insufficientPrivilege = "42501"
	if backend.Code(err) == insufficientPrivilege {
		return "", nil
	}
	return dir, err
}

// targetQuestion asks a server that runs for what it receives from, and who receives from it. PostgreSQL 10 has no
// sender_host.
const targetQuestion = `
SELECT coalesce((SELECT coalesce(to_jsonb(r) ->> 'sender_host', substring(conninfo from '\mhost=(\S+)')) FROM pg_stat_wal_receiver r WHERE status = 'streaming'), ''),
       coalesce((SELECT coalesce(to_jsonb(r) ->> 'sender_port', substring(conninfo from '\mport=(\d+)')) FROM pg_stat_wal_receiver r WHERE status = 'streaming'), ''),
       coalesce((SELECT received_tli FROM pg_stat_wal_receiver), 0)::int8,
       ARRAY(SELECT coalesce(nullif(application_name, ''), client_addr::text, '?') FROM pg_stat_replication WHERE application_name <> 'pg_basebackup' ORDER BY 1)`

// askTarget asks a node that runs.
func (q Question) askTarget(ctx context.Context, conn *pgx.Conn, f *Facts) error {
	t := &f.Target
	p, err := follow.Ask(ctx, conn)
	if err != nil {
		return fmt.Errorf("ask node %d (%s) for its position: %w", q.Node.ID, q.Node.Addr(), err)
	}
	t.Runs, t.Answers, t.Standby, t.SystemID, t.Major, t.End = true, true, p.Standby, p.SystemID, p.Version/10000, p.Received
	if t.History, err = follow.History(ctx, conn, p.Timeline); err != nil {
		return fmt.Errorf("node %d (%s): %w", q.Node.ID, q.Node.Addr(), err)
	}
	var host, port string
	var tli int64
	if err := conn.QueryRow(ctx, targetQuestion).Scan(&host, &port, &tli, &t.Standbys); err != nil {
		return fmt.Errorf("ask node %d (%s) who follows it: %w", q.Node.ID, q.Node.Addr(), err)
	}
	from := net.JoinHostPort(host, port) == net.JoinHostPort(q.To.Host, strconv.Itoa(q.To.Port))
	t.Follows = p.Standby && from && uint32(tli) == f.Source.History.Timeline && p.SystemID == f.Source.SystemID
	if p.Standby && !t.Follows {
		t.Refused, err = q.tryFollow(ctx)
	}
	return err
}

// tryFollow lets follow judge a standby that runs, which takes more than one look. It returns why it would refuse, or "".
func (q Question) tryFollow(ctx context.Context) (string, error) {
	f := follow.Follow{Node: q.Node, To: q.To, Cluster: q.Cluster, DryRun: true, Timeout: time.Minute,
		Journal: &step.Journal{W: io.Discard, Now: time.Now}}
	err := f.Run(ctx)
	var refusal follow.Refusal
	var gone follow.Gone
	switch {
	case errors.As(err, &refusal):
		return refusal.Why, nil
	case errors.As(err, &gone):
		return gone.Why(), nil
	}
	return "", err
}
