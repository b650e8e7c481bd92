package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

// Engine answers for one client session: it holds the values that PGPOOL SET gave it, and its prepared statements and
// portals. Its methods may be called from several goroutines, one statement or batch after the other.
type Engine struct {
	// LoadBalanceNode is the node that this session reads from, or -1. It is set before a Query or a Batch.
	LoadBalanceNode int

	world World

	mu         sync.Mutex
	own        map[string]string // what PGPOOL SET said, by name
	overlay    *config.Config    // base with own applied; nil when there is none
	base       *config.Config    // what overlay was made from
	statements map[string]statement
	portals    map[string]*portal
}

// New makes the engine of a session.
func New(w World) *Engine { return &Engine{LoadBalanceNode: -1, world: w} }

// Settings returns the configuration as this session sees it: the one in force, with what PGPOOL SET changed. It must
// not be changed.
func (e *Engine) Settings() *config.Config {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.config()
}

// Duration returns a time that this session has set for itself by PGPOOL SET, and whether it has.
func (e *Engine) Duration(name string) (time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.own[name]; !ok {
		return 0, false
	}
	return e.config().Duration(name), true
}

// Bool is Duration for a switch.
func (e *Engine) Bool(name string) (value, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.own[name]; !ok {
		return false, false
	}
	return e.config().Bool(name), true
}

// config is Settings with the lock held. A reload of the router shows in what the session has not set.
func (e *Engine) config() *config.Config {
	base := e.world.Config()
	if len(e.own) == 0 {
		return base
	}
	if e.overlay == nil || e.base != base {
		e.base, e.overlay = base, base.Clone()
		for name, value := range e.own {
			// It was accepted before, and the table of parameters does not change.
			if err := e.overlay.Set(name, value); err != nil {
				delete(e.own, name)
			}
		}
	}
	return e.overlay
}

// describe returns the columns that a statement answers with, nil for none.
func (e *Engine) describe(st *statement) ([]string, error) {
	switch st.verb {
	case show:
		return columns[st.name], nil
	case showMany:
		return columns["pool_status"], nil
	case showOne:
		if _, ok := e.config().ShowGroup(st.name); ok {
			st.verb = showMany
			return columns["pool_status"], nil
		}
		if _, ok := e.config().Show(st.name); !ok {
			return nil, unknownName(st.name)
		}
		return []string{st.name}, nil
	case set, reset:
		return nil, e.settable(st.name)
	default:
		return nil, nil
	}
}

// run does what a statement says.
func (e *Engine) run(ctx context.Context, st statement) (rows [][]string, tag string, err error) {
	switch st.verb {
	case show:
		rows = e.show(ctx, st.name)
	case showOne:
		v, _ := e.config().Show(st.name)
		rows = [][]string{{v}}
	case showMany:
		items := e.config().ShowAll()
		if st.name != "all" {
			items, _ = e.config().ShowGroup(st.name)
		}
		for _, i := range items {
			rows = append(rows, []string{i.Name, i.Value, i.Description})
		}
	case set:
		return nil, "SET", e.set(st.name, st.value)
	case reset:
		delete(e.own, st.name)
		e.overlay = nil
		return nil, "SET", nil // as Pgpool-II
	case resetAll:
		e.own, e.overlay = nil, nil
		return nil, "SET", nil
	}
	return rows, fmt.Sprintf("SELECT %d", len(rows)), nil
}

// set changes a parameter for this session.
func (e *Engine) set(name, value string) error {
	trial := e.config().Clone()
	if err := trial.Set(name, value); err != nil {
		return &problem{"22023", "set " + name + ": " + err.Error(), ""}
	}
	if e.own == nil {
		e.own = map[string]string{}
	}
	e.own[name] = value
	e.base, e.overlay = e.world.Config(), trial
	return nil
}

// settable refuses what is not a session's own.
func (e *Engine) settable(name string) error {
	if _, ok := e.config().Show(name); !ok {
		return unknownName(name)
	}
	for _, p := range sessionParams() {
		if p == name {
			return nil
		}
	}
	return &problem{"55P02", fmt.Sprintf(`invalid Context, value for parameter "%s" cannot be changed`, name),
		"Change it in the configuration file; PGPOOL SET takes what a session may have for itself."}
}

// sessionParams lists the parameters that PGPOOL SET takes.
var sessionParams = sync.OnceValue(func() []string {
	var names []string
	for _, p := range config.Params() {
		if p.Context == config.OnSession {
			names = append(names, p.Name)
		}
	}
	return names
})

func unknownName(name string) error {
	return &problem{"42704", fmt.Sprintf(`config variable "%s" not found`, name), ""}
}
