package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/check"
)

// checkCmd tries what follow needs.
type checkCmd struct{}

// checkLimit is for all servers together.
const checkLimit = 30 * time.Second

// Run prints what is well, and every problem with its mend.
func (checkCmd) Run(ctx context.Context, t *tool.Tool) error {
	list, err := servers(t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	var errs []error
	for _, r := range check.Servers(ctx, list) {
		errs = append(errs, r.Problems...)
		if len(r.Problems) == 0 {
			fmt.Fprintf(t.Out, "node %d (%s): %s\n", r.ID, r.Addr(), r.Words)
		}
	}
	return errors.Join(errs...)
}
