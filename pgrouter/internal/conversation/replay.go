package conversation

import "slices"

// A replay is what other servers have to be told before the session uses them: its settings, role and SQL-level
// prepared statements, in the order in which they were made, each only once.
type replay struct {
	entries   []entry
	pending   []entry // of the open transaction
	version   uint32
	committed bool // the transaction that just ended was committed
}

type entry struct {
	key       string
	sql       string
	version   uint32
	since     uint32 // only for servers that have at least this version: what it undoes is there
	undo      bool   // DEALLOCATE: fails where there is nothing to undo
	clean     bool   // DISCARD ALL, DEALLOCATE ALL: of no use to a server that came later
	savepoint bool
}

// set adds an entry.
func (r *replay) set(e entry) {
	r.version++
	e.version = r.version
	if i := slices.IndexFunc(r.entries, func(o entry) bool { return o.key == e.key }); i >= 0 {
		if e.undo {
			e.since = r.entries[i].version
			if r.entries[i].undo {
				e.since = r.entries[i].since
			}
		}
		r.entries = slices.Delete(r.entries, i, i+1)
	} else if e.undo {
		return // it was never told to another server
	}
	r.entries = append(r.entries, e)
}

// keep makes the changes of a committed transaction last.
func (r *replay) keep() {
	for _, e := range r.pending {
		switch {
		case e.savepoint:
			continue
		case e.key == "session authorization":
			r.forget(func(key string) bool { return key == "role" }) // it resets the role
		case e.key == "set all" || e.key == "set ":
			// RESET ALL leaves role and session authorization alone.
			r.forget(func(key string) bool { return len(key) > 4 && key[:4] == "set " })
		}
		r.set(e)
	}
	r.pending = r.pending[:0]
}

// undo forgets the changes of a transaction that was rolled back.
func (r *replay) undo() { r.pending = r.pending[:0] }

// back goes to a savepoint (which stays) or releases it. Names repeat; the last one counts. One that is not
// known was made before anything was changed.
func (r *replay) back(name string, undo bool) {
	for i := len(r.pending) - 1; i >= 0; i-- {
		if !r.pending[i].savepoint || r.pending[i].key != name {
			continue
		}
		if undo {
			r.pending = r.pending[:i+1]
		} else {
			r.pending = slices.Delete(r.pending, i, i+1)
		}
		return
	}
	if undo {
		r.undo()
	}
}

func (r *replay) forget(which func(key string) bool) {
	r.entries = slices.DeleteFunc(r.entries, func(e entry) bool { return which(e.key) })
}

// missing are the statements that a server has not seen which was attached at version born.
func (r *replay) missing(applied, born uint32) []string {
	if r == nil || applied == r.version {
		return nil
	}
	var sql []string
	for _, e := range r.entries {
		if e.version > applied && (!e.undo || applied >= e.since) && (!e.clean || e.version > born) {
			sql = append(sql, e.sql)
		}
	}
	return sql
}
