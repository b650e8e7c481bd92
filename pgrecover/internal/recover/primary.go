package recover

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// Primary finds the only primary among the servers, the node apart that is to be recovered.
func Primary(ctx context.Context, cluster []backend.Server, node int) (backend.Server, error) {
	errs := make([]error, len(cluster))
	is := make([]bool, len(cluster))
	var wg sync.WaitGroup
	for i, s := range cluster {
		if s.ID != node {
			wg.Go(func() { is[i], errs[i] = isPrimary(ctx, s) })
		}
	}
	wg.Wait()
	var found []backend.Server
	for i, s := range cluster {
		if is[i] {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return backend.Server{}, errors.Join(append(errs, fmt.Errorf("no other server than node %d is a primary that can be asked: name it by --to", node))...)
	}
	return backend.Server{}, follow.Refusal{Why: fmt.Sprintf("nodes %d and %d both are primaries", found[0].ID, found[1].ID), Mend: "name the right one by --to"}
}

func isPrimary(ctx context.Context, s backend.Server) (bool, error) {
	conn, err := s.Connect(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var standby bool
	if err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby); err != nil {
		return false, fmt.Errorf("ask node %d (%s): %w", s.ID, s.Addr(), err)
	}
	return !standby, nil
}
