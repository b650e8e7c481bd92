package promote

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/backend"
)

// Check logs in and asks whether the user may do what a promotion needs.
func (s Server) Check(ctx context.Context) error {
	conn, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	super, err := backend.IsSuper(ctx, conn)
	if err != nil {
		return fmt.Errorf("node %d (%s): %w", s.ID, s.Addr(), err)
	}
	if !super {
		return fmt.Errorf("node %d (%s): %s is no superuser, so it cannot change primary_conninfo and promote: set recovery_user", s.ID, s.Addr(), s.User)
	}
	return nil
}
