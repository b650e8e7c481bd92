package conversation

import "slices"

// A replay is what other servers have to be told before the session uses them: its settings, role and SQL-level
// prepared statements, in the order in which they were made, each only once.
type replay struct {
	entries []entry
	pending []entry // of the open transaction
	version uint32
}

type entry struct {
	key       string
	sql       string
	version   uint32
	prepares  string // the name of a prepared statement as SQL writes it; without sql it is deallocated
	clean     bool   // DISCARD ALL, DEALLOCATE ALL: of no use to a server that came later
	savepoint bool
}

// set adds an entry; an older one of the same key is of no use any more.
func (r *replay) set(e entry) {
	r.forget(func(key string) bool { return key == e.key })
	r.version++
	e.version = r.version
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

// missing are the statements that a server has not seen. It counts as having them from then on.
func (r *replay) missing(srv *Server) (sql []string) {
	for _, e := range r.entries {
		switch {
		case e.version <= srv.applied:
			continue
		case e.clean:
			if e.version > srv.born {
				sql = append(sql, e.sql)
			}
			srv.prepared = nil
			continue
		case e.prepares != "" && srv.prepared[e.key]:
			sql = append(sql, "DEALLOCATE "+e.prepares)
		}
		if e.sql != "" {
			sql = append(sql, e.sql)
		}
		srv.prepares(e)
	}
	srv.applied = r.version
	return sql
}

// prepares notes what an entry does to the server's SQL-level prepared statements.
func (srv *Server) prepares(e entry) {
	switch {
	case e.prepares == "":
	case e.sql == "":
		delete(srv.prepared, e.key)
	default:
		if srv.prepared == nil {
			srv.prepared = make(map[string]bool)
		}
		srv.prepared[e.key] = true
	}
}
