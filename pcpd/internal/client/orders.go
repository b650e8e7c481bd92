package client

import (
	"errors"
	"strconv"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// Attach has a node used again.
func (c *Conn) Attach(node int) error { return c.order(frame.Attach, 'c', text(node)) }

// Detach has a node used no more; gracefully: when the clients have left.
func (c *Conn) Detach(node int, gracefully bool) error {
	return c.order(either(gracefully, frame.DetachGracefully, frame.Detach), 'd', text(node))
}

// ErrNoSwitchover is a switchover that is asked of a version without it: it would only write down another primary.
var ErrNoSwitchover = errors.New("Pgpool-II 4.2 has no switchover")

// Promote makes a node the primary. With switchover PostgreSQL is promoted; without it Pgpool-II only writes down that the
// node is the primary. The request of 4.2 has another form.
func (c *Conn) Promote(node int, gracefully, switchover bool, layout Layout) error {
	kind := either(gracefully, frame.PromoteGraceful, frame.Promote)
	if layout != V42 {
		payload := append([]byte(strconv.Itoa(node)), ' ', 0, either(switchover, frame.SwitchoverFlag, frame.RelabelFlag))
		return c.order(kind, frame.PromoteReply, payload)
	}
	if switchover {
		return ErrNoSwitchover
	}
	return c.order(kind, frame.PromoteReply, text(node))
}

// Recover makes a node a standby of the primary. It returns when that is done.
func (c *Conn) Recover(node int) error { return c.order(frame.Recover, frame.RecoverReply, text(node)) }

// Stop ends the server, or all of its cluster. mode is one of the bytes that frame has for it.
func (c *Conn) Stop(mode byte, cluster bool) error {
	return c.order(either(cluster, frame.StopCluster, frame.Stop), 't', []byte{mode})
}

// Reload has the server, or all of its cluster, read the configuration again.
func (c *Conn) Reload(cluster bool) error { return c.order(frame.Reload, 'z', scope(cluster)) }

// Rotate has the server, or all of its cluster, begin a new log file.
func (c *Conn) Rotate(cluster bool) error { return c.order(frame.Rotate, 'v', scope(cluster)) }

// InvalidateCache empties the query cache.
func (c *Conn) InvalidateCache() error { return c.order(frame.InvalidateCache, 'g', nil) }

func (c *Conn) order(kind, reply byte, payload []byte) error {
	if err := c.send(kind, payload); err != nil {
		return err
	}
	_, err := c.complete(reply)
	return err
}

func text(node int) []byte { return frame.Payload(strconv.Itoa(node)) }

func scope(cluster bool) []byte { return []byte{either(cluster, frame.ScopeCluster, frame.ScopeLocal)} }

func either(first bool, a, b byte) byte {
	if first {
		return a
	}
	return b
}
