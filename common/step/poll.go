package step

import (
	"context"
	"time"
)

// Poll is how often something is looked at that PostgreSQL does not announce.
const Poll = 5 * time.Millisecond

// Until calls f every few milliseconds until it says true, fails, or ctx ends, whose cause is then the error.
func Until(ctx context.Context, f func() (bool, error)) error {
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		if err := Sleep(ctx, Poll); err != nil {
			return err
		}
	}
}

// Sleep waits for d or the end of ctx, whose cause is then the error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
