package cluster

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
)

const (
	// sampleEvery is the longest time between two looks at a server that is there. The query costs it about 0.1 ms.
	sampleEvery = time.Second
	// settle is the least time between two logins, however many errors are reported.
	settle = 100 * time.Millisecond
	// retryGone is the pause between two attempts to reach a server that does not answer, or is starting.
	retryGone = 250 * time.Millisecond
	// retryRefused is the pause when the server lives but does not let us in: each attempt is a line in its log.
	retryRefused = 10 * time.Second
)

// follower keeps one connection to one server, and tells what it sees there. The end of that connection is noticed at
// once, and then a new login decides what it meant.
type follower struct {
	backend
	how  follow
	bell bell
	log  *slog.Logger
	tell func(change)

	met    met           // of the connection that is there
	pause  time.Duration // until the next look
	grudge string        // the last reason not to use a Unix socket, to log it once
}

// met is what is found out once for a connection.
type met struct {
	probe.Identity
	network, address string
	addrs            []string // of the host, for pg_stat_replication
}

// follow is how a follower does its work.
type follow struct {
	probe.Login
	every      time.Duration // between two looks
	socketDirs []string      // where to look for a Unix socket; none: TCP only
}

// run follows the server until ctx ends.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.bell.take() // the login answers whatever was asked
		c, err := f.begin(ctx)
		if err == nil {
			err = f.hold(ctx, c)
		}
		if err == nil || ctx.Err() != nil {
			f.sleep(ctx, settle, 0)
			continue
		}
		f.sleep(ctx, settle, 0)
		f.sleep(ctx, f.missed(err)-settle, verify)
	}
}

func (f *follower) sleep(ctx context.Context, d time.Duration, unless signal) {
	if d <= 0 {
		return
	}
	until, stop := f.bell.listen(ctx, unless, d)
	<-until.Done()
	stop()
}

// begin logs in, looks once, and tells.
func (f *follower) begin(ctx context.Context) (*probe.Conn, error) {
	network, address := probe.Address(f.host, f.port)
	c, err := f.how.Connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err = f.meet(ctx, c, network, address); err == nil {
		err = f.look(ctx, c)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// meet finds out who the server is and how it is reached best.
func (f *follower) meet(ctx context.Context, c *probe.Conn, network, address string) error {
	id, err := c.Identify(ctx)
	if err != nil {
		return err
	}
	if network == "tcp" {
		path, why := nearer(ctx, f.how.Login, c, id, f.host, f.port, f.how.socketDirs)
		if why != nil && why.Error() != f.grudge {
			f.grudge = why.Error()
			f.log.Info("the server's Unix socket is not used", "node", f.id, "addr", address, "err", why)
		}
		if path != "" {
			network, address = "unix", path
		}
	}
	var addrs []string
	if f.name == "" && !probe.IsFolder(f.host) {
		addrs, _ = net.DefaultResolver.LookupHost(ctx, f.host)
	}
	f.met = met{Identity: id, network: network, address: address, addrs: addrs}
	return nil
}

// hold looks again and again until the connection ends, which is no error, as it may have been this connection's own
// end only. When somebody has met an error it logs in once more, and returns what is wrong with the server if that
// does not work. It closes the connection.
func (f *follower) hold(ctx context.Context, c *probe.Conn) error {
	defer func() { c.Close() }()
	for ctx.Err() == nil {
		until, stop := f.bell.listen(ctx, look|verify, f.pause)
		err := c.Idle(until)
		stop()
		if err != nil || ctx.Err() != nil {
			return nil
		}
		if f.bell.take()&verify != 0 {
			fresh, err := f.begin(ctx)
			if err == nil {
				c.Close()
				c = fresh
				f.sleep(ctx, settle, 0)
				continue
			}
			if cond, _ := judge(err); cond == dead || cond == starting {
				return err
			}
			// The server lives and refuses another connection. The one we have still tells what it does.
			f.sleep(ctx, settle, 0)
		}
		during, stop := f.bell.listen(ctx, verify, time.Hour)
		err = f.look(during, c)
		stop()
		if err != nil {
			return nil
		}
	}
	return nil
}

// look asks for role and position, and tells.
func (f *follower) look(ctx context.Context, c *probe.Conn) error {
	got, err := c.Sample(ctx)
	if err != nil {
		return err
	}
	got.Identity = f.met.Identity
	f.pause = f.how.every
	if got.Standby {
		// The look at the primary is followed by one at each standby, so this is only for the time without a primary.
		f.pause += f.pause / 2
	}
	who := f.met
	f.tell(change{id: f.id, sampled: true, apply: func(s *state) { s.seen(f.id, who, got) }})
	return nil
}

// missed tells what an error means for the server, and returns how long to wait before the next login.
func (f *follower) missed(err error) time.Duration {
	c, ok := judge(err)
	if !ok {
		f.log.Warn("cannot look at a server", "node", f.id, "err", err)
		return time.Second
	}
	f.tell(change{id: f.id, apply: func(s *state) { s.missed(f.id, c, err.Error()) }})
	switch {
	case c != alive:
		return retryGone
	case probe.Judge(err) == probe.Full:
		// That passes.
		return time.Second
	default:
		return retryRefused
	}
}
