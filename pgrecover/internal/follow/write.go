package follow

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// write gives a server that does not run its settings, and makes it start as a standby.
func (f *Follow) write(ctx context.Context, srv *postmaster.Server, want standby.Settings) error {
	return f.Journal.Do(step.Step{Step: "settings", Node: &f.Node.ID}, func(st *step.Step) error {
		if f.DryRun {
			st.Skipped = true
			return nil
		}
		if err := srv.Alter(want.List()...); err != nil {
			return err
		}
		for _, s := range want.List() {
			is, err := srv.Setting(ctx, s.Name)
			if err != nil {
				return err
			}
			if is != s.Value {
				return fmt.Errorf("node %d: %s is set in postgresql.auto.conf, and the command line of the server overrides it: take it out there", f.Node.ID, s.Name)
			}
		}
		return srv.Write("standby.signal", "")
	})
}
