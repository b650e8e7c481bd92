package proxy

import (
	"bytes"
	"strings"
	"time"

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

// classify reads a statement with all that is known of the session. One like it may have come before.
func (sh *shard) classify(c *client, sql []byte, env *conversation.Env) route.Verdict {
	sh.know(c, env)
	return sh.heed(sql, sh.verdicts.ClassifyNormalized(sh.settings().Classifier, sql, &sh.env))
}

// classifyParse does so for the text of a prepared statement, which may have come before as it is.
func (sh *shard) classifyParse(c *client, sql []byte, env *conversation.Env) route.Verdict {
	sh.know(c, env)
	return sh.heed(sql, sh.verdicts.Classify(sh.settings().Classifier, sql, &sh.env))
}

// know puts what is known of a session into sh.env.
func (sh *shard) know(c *client, env *conversation.Env) {
	sh.env.Catalog = c.id.catalog.snapshot()
	sh.env.StandardStrings = !env.OddStrings
	sh.env.Encoding = env.Encoding
	sh.env.Temp = env.Routing.Temp()
}

// heed does what a verdict asks of the router itself.
func (sh *shard) heed(sql []byte, v route.Verdict) route.Verdict {
	if v.Target == route.Local && !admin.Match(sql) {
		v.Target = route.Primary // a SHOW that only looks like ours: the server has the right error
	}
	if v.Class == route.DDL && aboutDatabase(sql) {
		sh.r.leaveDatabases(string(sql))
	}
	return v
}

// aboutDatabase tells whether the second word of a statement is DATABASE.
func aboutDatabase(sql []byte) bool {
	words := bytes.Fields(sql[:min(len(sql), 64)])
	return len(words) > 1 && bytes.EqualFold(words[1], []byte("database"))
}

// leaveTime is for how long PostgreSQL waits for others to leave a database that is to be dropped.
const leaveTime = 5 * time.Second

// leaveDatabases closes idle server connections to the databases that a statement names, and those that become idle soon,
// so that the pool does not keep databases from being dropped, renamed or copied.
func (r *Router) leaveDatabases(sql string) {
	for _, sh := range r.shards {
		sh.later(func() {
			sh.leaving, sh.leavingUntil = sql, sh.loop.Now().Add(leaveTime)
			for _, it := range sh.pool.Expire(func(it *item) bool { return sh.leaves(it.Key.id) }) {
				sh.discard(it.Conn)
			}
		})
	}
}

// leaves tells whether connections to an identity's database are not to be kept now.
func (sh *shard) leaves(id *identity) bool {
	if sh.leaving == "" {
		return false
	}
	if sh.loop.Now().After(sh.leavingUntil) {
		sh.leaving = ""
		return false
	}
	if !strings.Contains(sh.leaving, id.database) {
		return false
	}
	id.forget()
	return true
}
