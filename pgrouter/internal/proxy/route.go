package proxy

import (
	"github.com/pgcrew/pgcrew/pgrouter/internal/admin"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// routeNodes is a map in the balancer's terms.
func routeNodes(m *cluster.Map) []route.Node {
	nodes := make([]route.Node, 0, len(m.Nodes))
	for i := range m.Nodes {
		n := &m.Nodes[i]
		nodes = append(nodes, route.Node{
			ID: n.ID, Weight: n.Weight, Up: n.Up, Primary: n.ID == m.Primary, Lag: n.LagBytes, LagTime: n.LagTime,
		})
	}
	return nodes
}

// readNode is where the session's next balanced read goes; -1: to the primary, and nowhere else.
func (sh *shard) readNode(c *client) int {
	set := sh.settings()
	if !set.LoadBalance {
		return -1
	}
	if c.readNode < 0 || set.StatementLevel || !sh.up(int(c.readNode)) {
		c.readNode = int16(set.Balancer.Choose(sh.nodes, c.who(), sh.rand.Float64))
	}
	return set.Balancer.Fit(sh.nodes, int(c.readNode))
}

func (sh *shard) up(node int) bool {
	n := sh.m.Node(node)
	return n != nil && n.Up
}

// who is what the redirect lists go by.
func (c *client) who() route.Client {
	w := route.Client{User: c.id.user, Database: c.id.database}
	for _, p := range c.id.params {
		if p[0] == "application_name" {
			w.Application = p[1]
		}
	}
	return w
}

// classify reads a statement with all that is known of the session.
func (sh *shard) classify(c *client, sql []byte, env *conversation.Env) route.Verdict {
	sh.env.Catalog = c.id.catalog.snapshot()
	sh.env.StandardStrings = !env.OddStrings
	sh.env.Encoding = env.Encoding
	sh.env.Temp = env.Routing.Temp()
	v := sh.settings().Classifier.Classify(sql, &sh.env)
	if v.Target == route.Local && !admin.Match(sql) {
		v.Target = route.Primary // a SHOW that only looks like ours: the server has the right error
	}
	return v
}
