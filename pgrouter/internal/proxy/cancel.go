package proxy

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A target is something that a cancel request may name.
type target interface {
	key() []byte
	// cancelled returns when the request cannot hit anything any more that the client sends from then on.
	cancelled()
}

// cancels are the keys that clients were given.
type cancels struct {
	mu  sync.Mutex
	all map[uint32]target
}

// add makes a key for a session: 4 bytes, or 32 for a client of protocol 3.2.
func (cs *cancels) add(t target, version uint32) (pid uint32, secret []byte) {
	secret = make([]byte, 4)
	if version >= wire.Version32 {
		secret = make([]byte, 32)
	}
	rand.Read(secret)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for {
		var b [4]byte
		rand.Read(b[:])
		// Clients print it as a signed number: keep it positive.
		if pid = binary.BigEndian.Uint32(b[:]) >> 1; pid != 0 && cs.all[pid] == nil {
			cs.all[pid] = t
			return pid, secret
		}
	}
}

func (cs *cancels) remove(pid uint32) {
	cs.mu.Lock()
	delete(cs.all, pid)
	cs.mu.Unlock()
}

// request acts on a cancel request, silently when the key is wrong, as PostgreSQL does. When it returns, the caller
// closes the connection on which the request came, which tells the client that it may go on.
func (cs *cancels) request(m *wire.CancelRequest) {
	cs.mu.Lock()
	t := cs.all[m.PID]
	cs.mu.Unlock()
	if t != nil && subtle.ConstantTimeCompare(t.key(), m.Key) == 1 {
		t.cancelled()
	}
}

// A cancel is where and how to cancel what a server runs.
type cancel struct {
	network, address string
	pid              uint32
	secret           []byte
}

// cancelTimeout bounds a cancel request to a server.
const cancelTimeout = 10 * time.Second

// sendCancel sends a cancel request on a connection of its own, as the protocol wants it, and calls done when the
// server has acted on it. over is false when that is not known: the request may then take effect at any later time.
func (r *Router) sendCancel(c cancel, done func(over bool)) {
	r.wg.Go(func() {
		ctx, stop := context.WithTimeout(r.ctx, cancelTimeout)
		defer stop()
		over := c.send(ctx)
		if done != nil {
			done(over)
		}
	})
}

// send returns when the server has closed the connection, or ctx has ended.
func (c cancel) send(ctx context.Context) (over bool) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return true // it has never come there
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	if _, err := nc.Write(wire.AppendCancel(nil, &wire.CancelRequest{PID: c.pid, Key: c.secret})); err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, nc) // the server closes when it has sent the signal
	return err == nil
}

func (c *client) key() []byte { return c.secret }

// cancelled is called on any goroutine but the loop's.
func (c *client) cancelled() {
	done := make(chan struct{})
	if c.sh.loop.Post(func() { c.cancelNow(); close(done) }) {
		<-done // else the client's next statement could come before, and be taken for what was to be cancelled
	}
}

func (c *client) cancelNow() {
	if c.gone {
		return
	}
	if c.wait != nil {
		c.expire(&wire.Error{Code: "57014", Message: "canceling statement due to user request"})
		return
	}
	srv := c.conv.Active()
	if srv == nil || !srv.Busy() {
		return
	}
	s := srv.Conn.(*server)
	s.cancels++
	c.cancels++ // nor shall it hit the client's own next statement, which waits for it
	c.sh.r.sendCancel(s.target, func(over bool) {
		c.sh.later(func() {
			s.haunted = s.haunted || !over
			if s.cancels--; s.cancels == 0 && s.released && !s.gone {
				c.sh.giveBack(s)
			}
			if c.cancels--; c.cancels == 0 && !c.gone {
				c.Retry()
			}
		})
	})
}

// giveBack takes back a server connection, unless a cancel request may still reach it.
func (sh *shard) giveBack(s *server) {
	if s.haunted {
		sh.discard(s)
		return
	}
	sh.release(s)
}
