package proxy

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
)

// The pause between two rounds of attempts while the map stays as it is grows from the first to the last.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// reach calls try with the nodes that pick takes from the newest map, one after the other, until one serves or refuses
// for good. While there is none it waits, as clients between transactions do: for another map, or for what the map does
// not know of. After failover_wait no further round begins; the error then is a *auth.Refusal that names the nodes.
func (r *Router) reach(ctx context.Context, pick func(*cluster.Map) []int, try func(m *cluster.Map, node int) error) error {
	wait := r.settings.Load().FailoverWait
	end := time.NewTimer(wait)
	defer end.Stop()
	var last error
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		m := r.cluster.Map()
		nodes := pick(m)
		strange := 0
		for _, node := range nodes {
			err := try(m, node)
			if err == nil || !passes(err) {
				return err
			}
			last = fmt.Errorf("node %d: %w", node, err)
			if untrusted(err) {
				strange++
			}
		}
		if strange > 0 && strange == len(nodes) {
			return last
		}
		newer, stop := r.newer(m)
		more := false
		select {
		case <-end.C:
		case <-ctx.Done():
		case <-r.closing.Done():
		case <-newer:
			more = true
		case <-time.After(pause):
			more = true
		}
		stop()
		switch {
		case r.closing.Err() != nil || errors.Is(ctx.Err(), context.Canceled):
			return context.Canceled
		case !more || ctx.Err() != nil:
			return noServer(wait, m, last)
		}
	}
}

// untrusted tells whether a server's certificate was refused, which waiting does not mend.
func untrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &name)
}

// newer tells when there is another map than m.
func (r *Router) newer(m *cluster.Map) (found <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	return c, r.cluster.Subscribe(func(now *cluster.Map) {
		if now != m {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	})
}

// whileUp is a context that ends with ctx, or when the map says that a node gets no sessions: then dialing it on, until
// connect_timeout, would only keep its client from a node that does.
func (r *Router) whileUp(ctx context.Context, node int) (until context.Context, stop func()) {
	until, cancel := context.WithCancel(ctx)
	unsubscribe := r.cluster.Subscribe(func(m *cluster.Map) {
		if n := m.Node(node); n == nil || !n.Up {
			cancel()
		}
	})
	return until, func() { unsubscribe(); cancel() }
}

// anywhere lists the nodes that are up, the primary first.
func anywhere(m *cluster.Map) (nodes []int) {
	nodes = primary(m)
	for i := range m.Nodes {
		if n := &m.Nodes[i]; n.Up && n.ID != m.Primary {
			nodes = append(nodes, n.ID)
		}
	}
	return nodes
}

// primary lists the primary, if there is one.
func primary(m *cluster.Map) []int {
	if m.Primary < 0 {
		return nil
	}
	return []int{m.Primary}
}

// noServer is what a client is told whose login has waited in vain. last is what came of the last attempt; without one
// the nodes were known to be away all the time.
func noServer(wait time.Duration, m *cluster.Map, last error) error {
	why := fmt.Sprint(last)
	if last == nil {
		var all []string
		for i := range m.Nodes {
			n := &m.Nodes[i]
			all = append(all, fmt.Sprintf("node %d (%s) is %s", n.ID, n.Address, strings.Trim(n.Status.String()+": "+n.Err, ": ")))
		}
		why = strings.Join(all, "; ")
	}
	return &auth.Refusal{
		Code:    "57P03",
		Message: "no server is available",
		Detail:  fmt.Sprintf("None let the client in for failover_wait (%s). Last: %s.", wait, why),
		Hint:    "See SHOW pool_nodes, or pgrouter's log.",
	}
}
