package route

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

// Node is what the Balancer has to know of a server.
type Node struct {
	ID      int
	Weight  float64 // share of the reads, relative to the others'
	Up      bool    // may get sessions
	Primary bool
	Lag     int64         // behind the primary, bytes
	LagTime time.Duration // the same in time
}

// Client is who reads, for the redirect lists.
type Client struct{ User, Database, Application string }

// Balancer chooses the server for reads. It is immutable, holds nothing of the cluster's state, and allocates nothing
// in use. Its rules are Pgpool-II's.
type Balancer struct {
	apps, databases, users []redirect
	maxLag                 int64         // delay_threshold, bytes; 0: any
	maxLagTime             time.Duration // delay_threshold_by_time; wins over maxLag; 0: any
	leastLag               bool          // prefer_lower_delay_standby
}

type redirect struct {
	name   *regexp.Regexp
	node   int // an id, or one of these
	weight float64
}

const (
	toPrimary = -1
	toStandby = -2
)

// NewBalancer takes the rules from a configuration. An error names the parameter and the entry.
func NewBalancer(c *config.Config) (*Balancer, error) {
	b := &Balancer{
		maxLag:     c.Bytes("delay_threshold"),
		maxLagTime: c.Duration("delay_threshold_by_time"),
		leastLag:   c.Bool("prefer_lower_delay_standby"),
	}
	for name, list := range map[string]*[]redirect{
		"app_name_redirect_preference_list": &b.apps,
		"database_redirect_preference_list": &b.databases,
		"user_redirect_preference_list":     &b.users,
	} {
		for _, r := range c.Redirects(name) {
			p, err := compile(r.Pattern)
			if err != nil {
				return nil, fmt.Errorf("%s: %q: %w", name, r.Pattern, err)
			}
			*list = append(*list, redirect{p, target(r.Node), r.Weight})
		}
	}
	return b, nil
}

func target(node string) int {
	switch node {
	case "primary":
		return toPrimary
	case "standby":
		return toStandby
	}
	id, _ := strconv.Atoi(node) // the configuration has checked it
	return id
}

// Choose gives the id of the node that serves a client's reads, or -1 when no node is up. It is called once a session,
// or once a statement with statement_level_load_balance. draw gives random numbers in [0,1).
func (b *Balancer) Choose(nodes []Node, who Client, draw func() float64) int {
	if r := b.redirect(who); r != nil {
		if id := r.choose(nodes, draw); id >= 0 {
			return id
		}
	}
	return weighted(nodes, draw, func(Node) bool { return true })
}

// redirect is the first entry that matches: the application's beats the database's beats the user's.
func (b *Balancer) redirect(who Client) *redirect {
	for _, list := range [...]struct {
		entries []redirect
		name    string
	}{{b.apps, who.Application}, {b.databases, who.Database}, {b.users, who.User}} {
		for i := range list.entries {
			if list.entries[i].name.MatchString(list.name) {
				return &list.entries[i]
			}
		}
	}
	return nil
}

// choose gives the suggested node with the entry's probability, else another one; -1 when the suggested one is down.
func (r *redirect) choose(nodes []Node, draw func() float64) int {
	won := draw() < r.weight
	switch r.node {
	case toPrimary:
		p := primary(nodes)
		if p < 0 || won {
			return p
		}
		return weighted(nodes, draw, func(n Node) bool { return !n.Primary })
	case toStandby:
		if !won {
			return primary(nodes)
		}
		return standby(nodes, draw)
	}
	for _, n := range nodes {
		if n.ID == r.node && n.Up {
			if won {
				return n.ID
			}
			return weighted(nodes, draw, func(n Node) bool { return n.ID != r.node })
		}
	}
	return -1
}

// Fit gives the id of the node that a read really goes to, of the one that was chosen: the chosen node may have gone down
// or fallen behind since. It is called for every statement.
func (b *Balancer) Fit(nodes []Node, chosen int) int {
	for i := range nodes {
		n := &nodes[i]
		if n.ID != chosen {
			continue
		}
		if n.Up && !b.late(n) {
			return chosen
		}
		break
	}
	if b.leastLag {
		if id := b.least(nodes); id >= 0 {
			return id
		}
	}
	return primary(nodes)
}

// late tells whether a standby is further behind than is allowed.
func (b *Balancer) late(n *Node) bool {
	switch {
	case n.Primary:
		return false
	case b.maxLagTime > 0:
		return n.LagTime > b.maxLagTime
	}
	return b.maxLag > 0 && n.Lag > b.maxLag
}

// least is the standby with the least lag, of those that may read and are not late; of equals the one with more weight.
func (b *Balancer) least(nodes []Node) int {
	var best *Node
	for i := range nodes {
		n := &nodes[i]
		if n.Primary || !n.Up || n.Weight <= 0 || b.late(n) {
			continue
		}
		if best == nil || b.behind(best, n) > 0 || b.behind(best, n) == 0 && n.Weight > best.Weight {
			best = n
		}
	}
	if best == nil {
		return -1
	}
	return best.ID
}

// behind is how much further a is behind than b.
func (b *Balancer) behind(x, y *Node) int64 {
	if b.maxLagTime > 0 {
		return int64(x.LagTime - y.LagTime)
	}
	return x.Lag - y.Lag
}

// primary is the id of the primary, if it is up.
func primary(nodes []Node) int {
	for _, n := range nodes {
		if n.Primary && n.Up {
			return n.ID
		}
	}
	return -1
}

// standby chooses among the standbys by weight; if none has a weight, by equal ones.
func standby(nodes []Node, draw func() float64) int {
	sum, count := 0.0, 0
	for _, n := range nodes {
		if n.Up && !n.Primary {
			sum += n.Weight
			count++
		}
	}
	if count == 0 {
		return -1
	}
	if sum > 0 {
		return weighted(nodes, draw, func(n Node) bool { return !n.Primary })
	}
	nth := int(draw() * float64(count))
	for _, n := range nodes {
		if n.Up && !n.Primary {
			if nth == 0 {
				return n.ID
			}
			nth--
		}
	}
	return -1
}

// weighted chooses by weight among the nodes that are up and accepted. When they have no weight at all it is the
// primary, and without one the first node that is up.
func weighted(nodes []Node, draw func() float64, accept func(Node) bool) int {
	sum := 0.0
	for _, n := range nodes {
		if n.Up && accept(n) {
			sum += n.Weight
		}
	}
	if sum > 0 {
		at := draw() * sum
		last := -1
		for _, n := range nodes {
			if n.Up && accept(n) && n.Weight > 0 {
				last = n.ID
				if at < n.Weight {
					return n.ID
				}
				at -= n.Weight
			}
		}
		return last // rounding
	}
	if p := primary(nodes); p >= 0 {
		return p
	}
	for _, n := range nodes {
		if n.Up {
			return n.ID
		}
	}
	return -1
}
