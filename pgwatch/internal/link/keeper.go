package link

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	redialFor   = 100 * time.Millisecond
	redialEvery = 10 * time.Millisecond
	refusals    = 2 // in a row prove that nothing listens
)

// A keeper keeps the connection to one address of a peer.
type keeper struct {
	link  *Link
	peer  *peer
	addr  string
	stop  context.CancelFunc
	done  chan struct{} // closed when run has returned
	pause backoff
}

// run connects again and again.
func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	defer k.stop()
	for ctx.Err() == nil {
		o, err := k.connect(ctx, k.addr)
		if err == nil {
			k.hold(ctx, o)
			continue
		}
		k.complain(ctx, "a node cannot be reached", err)
		select {
		case <-ctx.Done():
		case <-k.peer.here: // it runs: there is no reason to pause
		case <-time.After(k.pause.next(k.link.cfg.Jitter())):
		}
	}
}

// connect dials, and makes the connection the one to the peer.
func (k *keeper) connect(ctx context.Context, addr string) (*outbound, error) {
	o, err := k.link.dial(ctx, k.peer.id, addr)
	if err != nil {
		return nil, err
	}
	k.link.attach(k.peer, o)
	return o, nil
}

// hold stays with a connection, and with those that take its place at once, until there is none.
func (k *keeper) hold(ctx context.Context, o *outbound) {
	defer func() {
		k.link.detach(k.peer, o)
		o.close()
	}()
	o.start(ctx, k.peer.queue)
	k.peer.call(k.link.handler.Up)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.peer.lost:
		case <-o.done:
		}
		k.rest(ctx, o)
		if o.ended() && !closedByPeer(o.err) {
			k.complain(ctx, "the connection to a node is lost", o.err)
			return
		}
		next, gone := k.redial(ctx, o.raw.RemoteAddr().String())
		switch {
		case gone:
			k.peer.call(k.link.handler.Gone)
			return
		case next != nil:
			o.close() // first, so that it takes no message that the new one could send
			o = next
			o.start(ctx, k.peer.queue)
		case o.ended():
			return
		}
	}
}

// rest pauses after a connection that ended as soon as it had begun, so that nobody is called in a tight circle.
func (k *keeper) rest(ctx context.Context, o *outbound) {
	if time.Since(o.began) > longestPause {
		k.pause.reset()
		return
	}
	sleep(ctx, k.pause.next(k.link.cfg.Jitter()))
}

// redial finds out why the peer closed a connection, by calling the address that was its own a moment ago. There is
// a new connection, or its process is gone, or neither is sure.
//
// A process that is killed closes its sockets one after another, so that its kernel may still accept a connection and
// reset it. Only that nothing listens any more is proof; whoever listens may have other reasons to hang up.
func (k *keeper) redial(ctx context.Context, addr string) (next *outbound, gone bool) {
	refused := 0
	for start := time.Now(); ctx.Err() == nil; sleep(ctx, redialEvery) {
		o, err := k.connect(ctx, addr)
		switch {
		case err == nil:
			return o, false
		case errors.Is(err, unix.ECONNREFUSED):
			if refused++; refused == refusals {
				return nil, true
			}
		case closedByPeer(err):
			refused = 0
		default:
			return nil, false
		}
		if refused == 0 && time.Since(start) > redialFor {
			return nil, false
		}
	}
	return nil, false
}

// complain says why there is no connection to the peer.
func (k *keeper) complain(ctx context.Context, what string, err error) {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) { // this node ends it
		return
	}
	level := slog.LevelWarn
	_, refused := errors.AsType[refusal](err)
	switch {
	case errors.Is(err, errKey):
		level, what = slog.LevelError, "a node is refused: wd_authkey there is not the one of this node"
	case refused:
		level, what = slog.LevelError, "a node is refused"
	}
	k.link.complaints.say(time.Now(), level, complain(k.addr, what, err), "node", k.peer.id, "addr", k.addr, "err", err)
}

// sleep waits, but not beyond the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
