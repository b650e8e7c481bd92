package main

import (
	"fmt"
	"math"

	"github.com/pgcrew/pgcrew/pcpd/internal/client"
	"github.com/pgcrew/pgcrew/pcpd/internal/render"
)

type nodeCountCmd struct{ arguments }

// Run prints the number of nodes.
func (a nodeCountCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.with(func(c *client.Conn, p *render.Printer) error {
		n, err := c.NodeCount()
		if err != nil {
			return err
		}
		return p.NodeCount(n)
	})
}

type nodeInfoCmd struct {
	node
	All bool `short:"a" help:"All nodes, as when no number is given."`
}

// Run prints a line for each node.
func (a nodeInfoCmd) Run(s *shell) error {
	id, err := a.id(s)
	if err == nil && client.Layout(s.Compat) == client.V42 {
		id, err = a.need(s)
	}
	if err != nil {
		return err
	}
	first := id
	if id == noNode {
		id, first = client.AllNodes, 0
	}
	return s.with(func(c *client.Conn, p *render.Printer) error {
		nodes, err := c.NodeInfo(id)
		if err != nil {
			return err
		}
		return p.Nodes(first, nodes)
	})
}

type healthCmd struct{ node }

// Run prints the statistics of one node.
func (a healthCmd) Run(s *shell) error {
	id, err := a.need(s)
	if err != nil {
		return err
	}
	return s.with(func(c *client.Conn, p *render.Printer) error {
		stats, err := c.HealthCheckStats(id)
		if err != nil {
			return err
		}
		return p.Health(stats)
	})
}

type procCountCmd struct{ arguments }

// Run prints process numbers.
func (a procCountCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.with(func(c *client.Conn, p *render.Printer) error {
		pids, err := c.ProcCount()
		if err != nil {
			return err
		}
		return p.ProcCount(pids)
	})
}

type procInfoCmd struct {
	ProcessID *int `short:"P" name:"process-id" placeholder:"PID" help:"Number of the process; all when it is not given."`
	All       bool `short:"a" help:"Also slots without a database."`
	arguments
}

// Run prints a line for each slot.
func (a procInfoCmd) Run(s *shell) error {
	pid, err := a.number(s, a.ProcessID, client.AllProcesses, 1, math.MaxInt32)
	if err != nil {
		return fmt.Errorf("process %w", err)
	}
	return s.with(func(c *client.Conn, p *render.Printer) error {
		slots, err := c.ProcInfo(pid)
		if err != nil {
			return err
		}
		return p.Processes(slots, a.All)
	})
}

type watchdogInfoCmd struct {
	WatchdogID *int `short:"n" name:"watchdog-id" placeholder:"ID" help:"0 for the server that is asked, 1 for the first other one; all when it is not given."`
	arguments
}

// Run prints the cluster and its members.
func (a watchdogInfoCmd) Run(s *shell) error {
	id, err := a.number(s, a.WatchdogID, client.AllMembers, 0, math.MaxInt32)
	if err != nil {
		return fmt.Errorf("watchdog %w", err)
	}
	return s.with(func(c *client.Conn, p *render.Printer) error {
		w, err := c.WatchdogInfo(id)
		if err != nil {
			return err
		}
		return p.Watchdog(w)
	})
}

type poolStatusCmd struct{ arguments }

// Run prints all parameters.
func (a poolStatusCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.with(func(c *client.Conn, p *render.Printer) error {
		all, err := c.PoolStatus()
		if err != nil {
			return err
		}
		return p.Status(all)
	})
}
