package probe

import (
	"context"
	"fmt"
	"io"
	"time"
)

// sslRequest is the message of that name in PostgreSQL's chapter "Message Formats".
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

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
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err = c.Write(sslRequest); err == nil {
		_, err = io.ReadFull(c, make([]byte, 1))
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
