package standby

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/backend"
)

// SlotName names the slot of a standby that had none: after its host, and its port when it is not alone there.
func (p Pair) SlotName() string {
	names := slotNames(p.Node)
	if slices.ContainsFunc(p.Cluster, func(s backend.Server) bool { return s.ID != p.Node.ID && s.Host == p.Node.Host }) {
		return names[1]
	}
	return names[0]
}

// slotNames are those that the slot of a server may have by SlotName: after its host alone, and with its port.
func slotNames(s backend.Server) []string {
	return []string{slotName(s.Host), slotName(fmt.Sprintf("%s_%d", s.Host, s.Port))}
}

func slotName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(text))
	const longest = 63 // NAMEDATALEN - 1
	return name[:min(len(name), longest)]
}

// LeftSlots are the names that SlotName may have given to the slot of a server that is no more in the configuration, without
// those that a server of the configuration may have.
func LeftSlots(gone backend.Server, cluster []backend.Server) []string {
	return slices.DeleteFunc(slotNames(gone), func(name string) bool {
		return slices.ContainsFunc(cluster, func(s backend.Server) bool { return slices.Contains(slotNames(s), name) })
	})
}
