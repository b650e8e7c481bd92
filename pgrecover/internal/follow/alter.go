package follow

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// alter gives a standby that runs its settings. ALTER SYSTEM writes postgresql.auto.conf anew, with what its include lines
// led to, and our value last.
func (f *Follow) alter(ctx context.Context, n *server, want standby.Settings) error {
	restart := false
	err := f.Journal.Do(step.Step{Step: "settings", Node: &n.ID, Command: "ALTER SYSTEM SET primary_conninfo = ..."}, func(st *step.Step) error {
		if n.Settings == want {
			st.Detail = "they are so"
			return nil
		}
		if f.DryRun {
			st.Skipped = true
			return nil
		}
		was := n.Settings.List()
		for i, s := range want.List() {
			if s == was[i] {
				continue
			}
			if err := backend.Set(ctx, n.conn, s.Name, s.Value); err != nil {
				return fmt.Errorf("node %d: %w", n.ID, err)
			}
		}
		if err := n.reload(ctx); err != nil {
			return err
		}
		pending, err := n.pending(ctx, want)
		restart = pending
		return err
	})
	if err != nil || !restart {
		return err
	}
	return f.restart(ctx, n, want)
}

// reloadLimit is how long a server may take to read its files.
const reloadLimit = 10 * time.Second

// reload makes the server read its files, and waits until our session has.
func (s *server) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reloadLimit,
		fmt.Errorf("node %d does not read its configuration again: see SELECT * FROM pg_file_settings WHERE error IS NOT NULL", s.ID))
	defer cancel()
	var before time.Time
	err := s.conn.QueryRow(ctx, "SELECT pg_conf_load_time() FROM (SELECT pg_reload_conf()) r").Scan(&before)
	if err != nil {
		return err
	}
	return step.Until(ctx, func() (done bool, err error) {
		err = s.conn.QueryRow(context.WithoutCancel(ctx), "SELECT pg_conf_load_time() > $1", before).Scan(&done)
		return done, err
	})
}

// pending tells whether a restart is needed for the settings to count. When something else overrides them, that is the error.
func (s *server) pending(ctx context.Context, want standby.Settings) (restart bool, err error) {
	now, err := standby.Read(s.setting(ctx))
	if err != nil {
		return false, err
	}
	s.Settings = now
	is := now.List()
	for i, w := range want.List() {
		if is[i] == w {
			continue
		}
		var pending bool
		var source string
		err := s.conn.QueryRow(ctx, `SELECT pending_restart, concat_ws(':', coalesce(sourcefile, source), sourceline) FROM pg_settings WHERE name = $1`, w.Name).
			Scan(&pending, &source)
		if err != nil {
			return false, err
		}
		if !pending {
			return false, fmt.Errorf("node %d: %s was set by ALTER SYSTEM, and %s overrides it: take it out there", s.ID, w.Name, source)
		}
		restart = true
	}
	return restart, nil
}

// stopLimit is how long a standby may take to shut down in order, before it is stopped at once.
const stopLimit = 30 * time.Second

// restart restarts the standby for settings that count from the start only: before PostgreSQL 13 and 14 primary_conninfo
// and restore_command, in all versions recovery_target_timeline.
func (f *Follow) restart(ctx context.Context, n *server, want standby.Settings) error {
	return f.Journal.Do(step.Step{Step: "restart", Node: &n.ID}, func(*step.Step) error {
		if !f.Local && f.Restart == nil {
			return fmt.Errorf("node %d has its new settings and needs a restart for them: restart it, or run this on its host with --local", n.ID)
		}
		n.close(ctx)
		restart := f.Restart
		if restart == nil {
			restart = f.restartLocal
		}
		if err := restart(ctx); err != nil {
			return err
		}
		conn, err := f.login(ctx, n.Server)
		if err != nil {
			return err
		}
		n.conn = conn
		pending, err := n.pending(ctx, want)
		if err == nil && pending {
			err = fmt.Errorf("node %d still has %s after a restart", n.ID, strings.TrimSpace(n.Settings.TargetTimeline))
		}
		return err
	})
}

// restartLocal restarts the server on this host.
func (f *Follow) restartLocal(ctx context.Context) error {
	srv := postmaster.New(f.Node.DataDirectory)
	if err := srv.Stop(ctx, postmaster.Fast, stopLimit); err != nil {
		return err
	}
	return srv.Start(ctx)
}
