package node

import (
	"slices"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// recoveries are told when they begin, at each step, and when they end. What had ended before this node heard of any is no news.
func (p *publisher) recoveries(v *authority.View) {
	for _, r := range v.Recoveries {
		was, known := p.runs[r.Backend]
		if known && was == r || !known && r.Done {
			p.runs[r.Backend] = r
			continue
		}
		p.runs[r.Backend] = r
		p.tell(recoverEvent(&r), at(v))
		if d := r.Discarded; d != (report.Discarded{}) && (was.ID != r.ID || was.Discarded != d) {
			p.tell(event.DataDiscarded{Node: r.Backend, FromLSN: d.From, ToLSN: d.To, Bytes: d.Bytes, Saved: d.Saved}, at(v))
		}
	}
}

func recoverEvent(r *report.Recovery) event.Recover {
	e := event.Recover{Node: r.Backend, Job: r.ID, Phase: r.Step, Bytes: r.Bytes, Method: r.Method}
	if r.Total > 0 {
		e.Percent = &r.Percent
	}
	if r.Done {
		ok := r.Err == ""
		e.OK, e.Err = &ok, r.Err
	}
	return e
}

// recovery is the newest of a backend that the leader told of, or nil.
func recovery(v *authority.View, backend int) *report.Recovery {
	i := slices.IndexFunc(v.Recoveries, func(r report.Recovery) bool { return r.Backend == backend })
	if i < 0 {
		return nil
	}
	return &v.Recoveries[i]
}
