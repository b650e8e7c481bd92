package probe

import (
	"context"
	"fmt"
)

// Knock finds out whether somebody answers at an address, without logging in: it asks whether the server would speak
// TLS, and hangs up. Unlike a mere connection, which the kernel makes, it needs a process of the server to run; and it
// leaves no line in the server's log.
func (l Login) Knock(ctx context.Context, network, address string) error {
	ctx, cancel := within(ctx, l.Limit)
	defer cancel()
	err := l.knock(ctx, network, address)
	if err != nil {
		return fmt.Errorf("knock at %s: %w", address, cause(err))
	}
	return nil
}

func (l Login) knock(ctx context.Context, network, address string) error {
	c, err := l.dial(ctx, network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = askTLS(ctx, c)
	return err
}
