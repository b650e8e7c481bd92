package follow

import (
	"context"
	"fmt"
)

// Verify returns when Node, which somebody else has made a standby and started, streams and replays from To. It changes
// nothing. It waits for a server that is still starting up.
func (f *Follow) Verify(ctx context.Context) error {
	f.Local = true // it runs, so it is worth waiting for
	n, err := f.look(ctx, f.Node)
	if err != nil {
		return err
	}
	defer n.close(ctx)
	m, err := f.primary(ctx)
	if err != nil {
		return err
	}
	defer m.close(ctx)
	if err := sameSystem(f.Node.ID, n.SystemID, m); err != nil {
		return err
	}
	if !n.Standby {
		return fmt.Errorf("node %d was to be started as a standby, and is a primary: somebody else started it", f.Node.ID)
	}
	return f.stream(ctx, n, m)
}
