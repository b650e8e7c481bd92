package auth

import (
	"context"
	"net"
	"time"
)

// longAgo as a deadline makes pending and later reads and writes fail at once.
var longAgo = time.Unix(1, 0)

// guard makes reads and writes on nc fail when ctx ends. release lifts it and waits until nothing
// touches nc any more; it may be called again.
func guard(ctx context.Context, nc net.Conn) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		nc.SetDeadline(longAgo)
		close(done)
	})
	released := false
	return func() {
		if released {
			return
		}
		released = true
		if !stop() {
			<-done
			nc.SetDeadline(time.Time{})
		}
	}
}

// because returns why ctx ended when it did, for then err is only its consequence, else err.
func because(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && err != nil {
		return cause
	}
	return err
}

// prefixConn gives back bytes that were read to see what they are. It sits under TLS only, never
// between the router and a plain client.
type prefixConn struct {
	net.Conn
	prefix []byte
}

func (c *prefixConn) Read(b []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.prefix)
	c.prefix = c.prefix[n:]
	return n, nil
}
