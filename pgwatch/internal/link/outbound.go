package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// A contact is what both directions have: a connection after its hellos.
type contact struct {
	raw     net.Conn // closed without the TLS farewell, which can block
	boot    string   // of the other side
	cluster string   // that this side said; "" when it was not known
	known   bool     // whether the other side told its cluster
}

// settled reports whether both sides said that they belong to this cluster.
func (c *contact) settled(cluster string) bool { return c.known && c.cluster == cluster }

// An outbound is a connection that this node dialed. Only this node sends on it.
type outbound struct {
	contact
	conn  *tls.Conn
	in    *bufio.Reader
	began time.Time
	once  sync.Once
	done  chan struct{} // closed when it has ended
	err   error         // why; to be read after done
	wait  sync.WaitGroup
}

// start sends what the queue has until the connection ends.
func (o *outbound) start(ctx context.Context, q *queue) {
	o.wait.Go(func() { o.end(o.write(ctx, q)) })
	// An idle connection does not tell its writer that the other side has ended, and swallows the next message.
	o.wait.Go(func() { o.end(o.watch()) })
}

func (o *outbound) write(ctx context.Context, q *queue) error {
	w := bufio.NewWriterSize(o.conn, 16<<10)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.done:
			return nil
		case <-q.ready:
		}
		if o.ended() {
			raise(q.ready) // the next connection takes what waits
			return nil
		}
		for _, m := range q.take(time.Now()) {
			if err := writeFrame(w, m); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

func (o *outbound) watch() error {
	if _, err := o.in.ReadByte(); err != nil {
		return err
	}
	return protocolError("it sent something on a connection on which it only listens")
}

func (o *outbound) ended() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// end closes the connection; the first reason stays.
func (o *outbound) end(err error) {
	o.once.Do(func() {
		o.err = err
		close(o.done)
		o.raw.Close()
	})
}

// close ends it and waits for its goroutines.
func (o *outbound) close() {
	o.end(net.ErrClosed)
	o.wait.Wait()
}
