package failover_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A server stands for a PostgreSQL server: its WAL is a list of writes, each with a number of its own.
type server struct {
	id       int
	runs     bool
	hangs    bool
	orphans  bool // the postmaster is gone, a backend is not
	clean    bool // it was shut down in order
	standby  bool
	timeline uint32
	wal      []int // received and flushed
	replayed int
	upstream int           // from whom it is set to receive, -1: from nobody
	streams  bool          // it does
	starts   time.Duration // when it will be up by itself; 0: it will not
	syncset  string
}

func (p *server) lsn() uint64 { return uint64(len(p.wal)) }

// has reports whether a write is where it was when it was acknowledged.
func (p *server) has(w write) bool { return w.index < len(p.wal) && p.wal[w.index] == w.id }

// behind reports whether all its WAL is also the other one's.
func (p *server) behind(o *server) bool {
	n := len(p.wal)
	return n == 0 || n <= len(o.wal) && o.wal[n-1] == p.wal[n-1]
}

func (p *server) crash(orphans bool) {
	p.runs, p.hangs, p.streams, p.clean, p.orphans, p.starts = false, false, false, false, orphans, 0
}

func (p *server) start() {
	if !p.runs {
		p.runs, p.hangs, p.orphans, p.clean, p.starts = true, false, false, false, 0
	}
}

// rewind throws away what the other one has not got.
func (p *server) rewind(o *server) {
	n := min(len(p.wal), len(o.wal))
	for n > 0 && p.wal[n-1] != o.wal[n-1] {
		n--
	}
	p.wal, p.replayed = slices.Clone(p.wal[:n]), min(p.replayed, n)
}

// writes reports whether it takes writes of those who reach it.
func (p *server) writes() bool { return p.runs && !p.hangs && !p.standby }

// replicate lets a standby receive and replay for one step.
func (s *sim) replicate(p *server) {
	p.streams = false
	if !p.runs || p.hangs || !p.standby {
		return
	}
	if s.rng.IntN(4) > 0 {
		p.replayed += min(len(p.wal)-p.replayed, 1+s.rng.IntN(4))
	}
	if p.upstream < 0 {
		return
	}
	u := s.servers[p.upstream]
	if !u.runs || u.hangs || u.orphans || !s.linked(p.id, u.id) || !p.behind(u) || u.timeline < p.timeline {
		return
	}
	p.streams, p.timeline = true, u.timeline
	if s.lags[p.id] > s.now {
		return
	}
	n := min(len(u.wal)-len(p.wal), s.rng.IntN(5))
	p.wal = append(p.wal, u.wal[len(p.wal):len(p.wal)+n]...)
}

// A write is one that a client of a node's router waits for, or has been told of.
type write struct {
	id, index int
	epoch     uint64
	by        *node
	at        *server
}

// confirmed reports whether the server may acknowledge a write: the first standbys that stream have it, or any.
func (s *sim) confirmed(p *server, w write) bool {
	have := 0
	for _, o := range s.servers {
		if have == s.syncNum {
			break
		}
		if o == p || !o.streams || o.upstream != p.id {
			continue
		}
		if o.has(w) {
			have++
		} else if s.syncFirst {
			return false
		}
	}
	return have == s.syncNum
}

func (s *sim) syncSetting(servers int) string {
	if s.syncNum == 0 {
		return ""
	}
	names := ""
	for i := range servers {
		names += fmt.Sprintf(", s%d", i)
	}
	word := "ANY"
	if s.syncFirst {
		word = "FIRST"
	}
	return fmt.Sprintf("%s %d (%s)", word, s.syncNum, names[2:])
}

// probe is how a server looks to a node.
func (s *sim) probe(n *node, p *server) report.Health {
	switch {
	case !s.linked(n.host, p.id) || p.hangs:
		return report.Silent
	case !p.runs && p.starts > 0 && p.starts-s.now < 100*time.Millisecond:
		return report.Starting
	case !p.runs:
		return report.Refused
	}
	return report.Well
}
