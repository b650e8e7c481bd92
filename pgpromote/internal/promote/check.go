package promote

import (
	"context"
	"fmt"
)

// Check logs in and asks whether the user may do what a promotion needs.
func (s Server) Check(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var super bool
	if err := conn.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil {
		return fmt.Errorf("node %d (%s): %w", s.ID, s.Addr(), err)
	}
	if !super {
		return fmt.Errorf("node %d (%s): %s is no superuser, so it cannot change primary_conninfo and promote: set recovery_user", s.ID, s.Addr(), s.User)
	}
	return nil
}
