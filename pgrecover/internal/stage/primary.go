package stage

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// primary is a run with its session on the primary, in the database with the extension.
type primary struct {
	Stage
	conn *pgx.Conn
}

// super refuses a user whom the functions would refuse.
func (p primary) super(ctx context.Context) error {
	super, err := backend.IsSuper(ctx, p.conn)
	if err == nil && !super {
		return follow.Refusal{Why: fmt.Sprintf("%s is no superuser, and the functions of pgpool_recovery are for superusers only", p.To.User),
			Mend: fmt.Sprintf("ALTER ROLE %s SUPERUSER, or set recovery_user to another one", pgx.Identifier{p.To.User}.Sanitize())}
	}
	return err
}

// lockClass is the first number of our advisory locks: "pgcr" in ASCII. The second one is the node's.
const lockClass = 0x70676372

// lock keeps a second run from a node. A session that runs a script has it until the script ends, though its client died.
func (p primary) lock(ctx context.Context) error {
	var mine bool
	if err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", lockClass, p.Node.ID).Scan(&mine); err != nil || mine {
		return err
	}
	pid, since, err := holder(ctx, p.conn, p.Node.ID)
	if err != nil {
		return err
	}
	return follow.Refusal{Why: fmt.Sprintf("the scripts of an earlier recovery of node %d still run on node %d, for its server process %d, since %s", p.Node.ID, p.To.ID, pid, since),
		Mend: "wait for their end"}
}

// unlock lets the next run begin at once: the server notices the end of a session a moment later. Of a session that was left
// with a script the lock stays.
func (p primary) unlock(ctx context.Context) {
	p.conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock_all()")
}

// scripts looks whether both are there and may be run, since the functions only say that they have failed.
func (p primary) scripts(ctx context.Context) error {
	var dir string
	if err := p.conn.QueryRow(ctx, "SELECT current_setting('data_directory')").Scan(&dir); err != nil {
		return err
	}
	for _, name := range []string{p.Script, remoteStart} {
		path := dir + "/" + name
		shell := "cat >/dev/null; test -x '" + strings.ReplaceAll(path, "'", `'\''`) + "'"
		var quoted string
		if err := p.conn.QueryRow(ctx, "SELECT quote_literal($1::text)", shell).Scan(&quoted); err != nil {
			return err
		}
		_, err := p.conn.Exec(ctx, "COPY (SELECT) TO PROGRAM "+quoted, pgx.QueryExecModeSimpleProtocol)
		const failed = "38000" // external_routine_exception: it did not end with 0
		if backend.Code(err) == failed {
			return follow.Refusal{Why: fmt.Sprintf("%s on node %d is missing, or its server may not run it", path, p.To.ID),
				Mend: fmt.Sprintf("put the script there as the owner of the data directory, and chmod 744 %s", path)}
		}
		if err != nil {
			return fmt.Errorf("look for %s on node %d: %w", path, p.To.ID, err)
		}
	}
	return nil
}

// first runs recovery_1st_stage_command.
func (p primary) first(ctx context.Context) error {
	args, function := p.arguments(), "pgpool_recovery($1, $2, $3, $4, $5, $6, $7)"
	var all bool
	if err := p.conn.QueryRow(ctx, "SELECT "+full).Scan(&all); err != nil {
		return err
	}
	if !all {
		args, function = args[:len(args)-1], "pgpool_recovery($1, $2, $3, $4, $5, $6)"
	}
	hastening, leave := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { p.hasten(hastening) })
	defer wg.Wait()
	defer leave()
	err := p.call(ctx, "first stage", args, function, args)
	if err != nil && !all && ctx.Err() == nil {
		err = fmt.Errorf("%w; the extension pgpool_recovery there is older than 1.4 and does not tell the script the primary's host, which scripts for Pgpool-II 4.3 expect as $7", err)
	}
	return err
}

// start runs pgpool_remote_start.
func (p primary) start(ctx context.Context) error {
	args := []any{hostName(p.Node.Host), p.Node.DataDirectory}
	return p.call(ctx, "remote start", append([]any{remoteStart}, args...), "pgpool_remote_start($1, $2)", args)
}

// call runs a script by its function. words are the script and its arguments as they are shown.
func (p primary) call(ctx context.Context, name string, words []any, function string, args []any) error {
	script := words[0]
	command := strings.TrimSuffix(fmt.Sprintln(words...), "\n")
	return p.Journal.Do(step.Step{Step: name, Node: &p.To.ID, Command: command}, func(st *step.Step) error {
		var ok bool
		err := p.conn.QueryRow(ctx, "SELECT "+function, append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...).Scan(&ok)
		switch {
		case context.Cause(ctx) == errStreams:
			st.Detail = errStreams.Error()
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s may still run on node %d, and a later run waits for its end: %w", script, p.To.ID, context.Cause(ctx))
		case err != nil:
			return fmt.Errorf("%s failed on node %d (its server's log has what the script said): %w", script, p.To.ID, err)
		case !ok:
			return fmt.Errorf("%s failed on node %d: its server's log has what the script said", script, p.To.ID)
		}
		return nil
	})
}
