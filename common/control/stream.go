package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"
)

// A Stream is what a Handler returns to have the connection for itself: the answer goes out, then the
// Stream writes until it has no more to say or ctx, which is the server's, ends. It sets its own
// deadlines. The connection is closed after it; the server closes it to end the Stream.
type Stream func(ctx context.Context, c net.Conn) error

// Follow asks for an operation that answers with a Stream, and returns what comes after the answer. ctx
// bounds the asking only; Close ends the stream. Errors are as those of Call.
func Follow(ctx context.Context, path, op string, args any) (io.ReadCloser, error) {
	r := Request{ID: 1, Op: op}
	if args != nil {
		var err error
		if r.Args, err = json.Marshal(args); err != nil {
			return nil, fmt.Errorf("ask %s for %s: %w", path, op, err)
		}
	}
	c, in, _, err := open(ctx, path, r)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Time{})
	return &following{in, c}, nil
}

// following reads what may be buffered already, and closes the connection.
type following struct {
	*bufio.Reader
	c net.Conn
}

func (f *following) Close() error { return f.c.Close() }
