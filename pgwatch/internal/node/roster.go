package node

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A roster is which servers the file of this node names, and whether the crew still has to agree on them.
//
// The leader's file decides, and it speaks when it has changed. A node that was away while a server was added has an older
// file, and must not take the server out again when it leads: so a node keeps on disk which list of its own was agreed on
// last, and a file that still says the same is silent.
type roster struct {
	path string // of the list that was agreed on last
	log  *slog.Logger

	mu     sync.Mutex
	list   []clustermap.Backend
	agreed []clustermap.Backend // as on disk; nil for none
	speaks bool                 // the file has changed and is not agreed on yet
	said   string               // the last difference that was logged
}

// newRoster begins with the list of the file, and what was agreed on before this start.
func newRoster(path string, list []clustermap.Backend, log *slog.Logger) *roster {
	r := &roster{path: path, log: log, list: list}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r.agreed)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("which servers were agreed on last cannot be read; what the crew has counts", "file", path, "err", err)
	}
	r.speaks = r.agreed != nil && !sameBackends(r.agreed, list)
	return r
}

// replace takes the list of a file that was read again. A leader's file speaks in any case, another one's when it has changed.
func (r *roster) replace(list []clustermap.Backend, leads bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.speaks = r.speaks || leads || !sameBackends(r.list, list)
	r.list = list
}

// settle compares the list with what the crew has agreed on, and says when they differ.
func (r *roster) settle(v *authority.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case v.Map.Cluster == "":
		return
	case sameBackends(r.list, v.Map.Backends):
		r.speaks, r.said = false, ""
		r.keep()
		return
	case v.Leading && r.speaks && r.bar(&v.Map) == nil:
		return // it is being agreed on
	}
	mend := "reload it on the leader as well"
	if v.Leading {
		mend = "reload it to have the crew take it over"
		if err := r.bar(&v.Map); err != nil {
			mend = err.Error()
		}
	}
	file, crew := describe(r.list), describe(v.Map.Backends)
	if text := file + crew + mend; text != r.said {
		r.said = text
		r.log.Warn("the file of this node names other servers than the crew has agreed on; those of the crew count", "file", file, "crew", crew, "mend", mend)
	}
}

// keep writes down that the list was agreed on. It is lost with the disk only, and then the crew's list counts.
func (r *roster) keep() {
	if r.agreed != nil && sameBackends(r.agreed, r.list) {
		return
	}
	r.agreed = r.list
	text, err := json.Marshal(r.list)
	if err == nil {
		err = os.WriteFile(r.path+".new", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(r.path+".new", r.path)
	}
	if err != nil {
		r.log.Warn("which servers were agreed on cannot be kept", "err", err)
	}
}

// bar says why the crew cannot take the list over.
func (r *roster) bar(m *clustermap.Map) error { return barred(r.list, m) }

// barred refuses a list without the primary.
func barred(list []clustermap.Backend, m *clustermap.Map) error {
	p := m.PrimaryID()
	if p == clustermap.None || slices.ContainsFunc(list, func(b clustermap.Backend) bool { return b.ID == p }) {
		return nil
	}
	return fmt.Errorf("backend %d is the primary and cannot be taken out of the configuration: switch over first (pgwatch switchover)", p)
}

// wanted is the list to be agreed on now, or nil. While a failover runs the servers stay.
func (r *roster) wanted(m *clustermap.Map) []clustermap.Backend {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case m.Cluster == "":
	case !r.speaks, m.Failover != nil, sameBackends(r.list, m.Backends), r.bar(m) != nil:
		return nil
	}
	return r.list
}

// configured has the leader's list agreed on before anything else is planned, and the cluster's name, once.
func (r *roster) configured(plan func(authority.Situation) authority.Plan) func(authority.Situation) authority.Plan {
	id := make([]byte, 8)
	rand.Read(id)
	var next time.Duration
	return func(in authority.Situation) authority.Plan {
		out := plan(in)
		if in.Now < next {
			return out
		}
		if list := r.wanted(&in.Map); list != nil {
			next = in.Now + time.Second // it may be refused, and is then not asked for all the time
			c := clustermap.Command{Configure: &clustermap.Configure{Cluster: hex.EncodeToString(id), Backends: list}}
			out.Commands = append([]clustermap.Command{c}, out.Commands...)
		}
		return out
	}
}

// sameBackends tells whether two lists name the same servers.
func sameBackends(a, b []clustermap.Backend) bool {
	return slices.EqualFunc(a, b, func(a, b clustermap.Backend) bool { return a.ID == b.ID && a.Host == b.Host && a.Port == b.Port })
}

// describe is a list for people.
func describe(list []clustermap.Backend) string {
	var all []string
	for _, b := range list {
		all = append(all, fmt.Sprintf("%d (%s:%d)", b.ID, b.Host, b.Port))
	}
	return strings.Join(all, ", ")
}
