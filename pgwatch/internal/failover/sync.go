package failover

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// recordSync proposes to note for which standbys the primary waits, when that has changed: after it is lost, a leader
// that never saw it needs to know.
func (s *scene) recordSync() *clustermap.Command {
	id := s.Map.PrimaryID()
	if !s.isPrimary(id) {
		return nil
	}
	sync := s.syncOf(s.view(id).Backend)
	if reflect.DeepEqual(sync, s.Map.Primary.Sync) {
		return nil
	}
	return &clustermap.Command{Sync: &clustermap.SetSync{Epoch: s.Map.Epoch, Sync: sync}}
}

// syncOf returns what a primary's synchronous_standby_names says in backends; nil when it waits for nobody.
func (s *scene) syncOf(primary report.Backend) *clustermap.Sync {
	num, names := ParseSync(primary.SyncSet)
	if num == 0 {
		return nil
	}
	sync := &clustermap.Sync{Num: num, Backends: []int{}}
	known := map[string]bool{"*": true}
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		called := s.names(b, primary)
		maps.Copy(known, called)
		// All servers may have the same setting, and so the primary may name itself, which means nothing.
		if b.ID != primary.ID && slices.ContainsFunc(names, func(n string) bool { return n == "*" || called[n] }) {
			sync.Backends = append(sync.Backends, b.ID)
		}
	}
	for _, n := range names {
		// A name that receives nothing now confirms nothing; it may be the primary's own, which it never uses.
		if !known[n] && slices.ContainsFunc(primary.Syncs, func(r report.Sync) bool { return strings.ToLower(r.Name) == n }) {
			sync.Others++
		}
	}
	return sync
}

// names returns, in lower case, by which application_names a backend may receive: the one that it was seen with, else
// what the configuration and the primary's list of standbys suggest.
func (s *scene) names(b *clustermap.Backend, primary report.Backend) map[string]bool {
	if name := s.p.traces[b.ID].name; name != "" {
		return map[string]bool{strings.ToLower(name): true}
	}
	names := map[string]bool{strings.ToLower(b.Host): true, strings.ToLower(s.Policy.Backends[b.ID].Name): true}
	alone := !slices.ContainsFunc(s.Map.Backends, func(o clustermap.Backend) bool { return o.Host == b.Host && o.ID != b.ID })
	for _, r := range primary.Syncs {
		if alone && r.Addr == b.Host {
			names[strings.ToLower(r.Name)] = true
		}
	}
	delete(names, "")
	return names
}

// counted is synchronous_standby_names with a number: "ANY 2 (a, b, c)", "FIRST 1 (a)", "2 (a, b)".
var counted = regexp.MustCompile(`(?is)^\s*(?:(?:any|first)\s+)?(\d+)\s*\((.*)\)\s*$`)

// ParseSync reads synchronous_standby_names (PostgreSQL manual, 20.6.1): how many must confirm, and who may, in lower
// case. 0 when nobody has to.
func ParseSync(text string) (num int, names []string) {
	num, list := 1, text
	if m := counted.FindStringSubmatch(text); m != nil {
		var err error
		if num, err = strconv.Atoi(m[1]); err != nil {
			return 0, nil
		}
		list = m[2]
	}
	for list = strings.TrimSpace(list); list != ""; list = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(list), ",")) {
		var name string
		if list[0] == '"' {
			name, list = quoted(list)
		} else if i := strings.IndexByte(list, ','); i >= 0 {
			name, list = strings.TrimSpace(list[:i]), list[i:]
		} else {
			name, list = list, ""
		}
		if name != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	if len(names) == 0 {
		return 0, nil
	}
	return num, names
}

// quoted takes a name between double quotes, in which two of them stand for one, off the front of a list.
func quoted(list string) (name, rest string) {
	for i := 1; i < len(list); i++ {
		if list[i] != '"' {
			continue
		}
		if i+1 < len(list) && list[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(list[1:i], `""`, `"`), list[i+1:]
	}
	return strings.Trim(list, `"`), ""
}
