package promote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Choose returns the standby with the newest history: the highest timeline, then the most WAL on its disk, then the
// lowest number. want is the only one allowed, or nil. Servers that did not answer are not in positions.
func Choose(positions []Position, want *int) (Position, error) {
	var systems []string
	var best *Position
	for i := range positions {
		p := &positions[i]
		if !slices.Contains(systems, p.SystemID) {
			systems = append(systems, p.SystemID)
		}
		switch {
		case want != nil && p.Node != *want:
		case want == nil && !p.Standby:
			return *p, fmt.Errorf("node %d is a primary already: name the node that is to replace it, or stop it", p.Node)
		case best == nil || p.newer(*best):
			best = p
		}
	}
	switch {
	case len(systems) > 1:
		return Position{}, fmt.Errorf("the servers belong to different clusters (system identifiers %s)", strings.Join(systems, ", "))
	case best == nil && want != nil:
		return Position{}, fmt.Errorf("node %d did not answer", *want)
	case best == nil:
		return Position{}, errors.New("no standby answered")
	}
	return *best, nil
}

func (p Position) newer(q Position) bool {
	if p.Timeline != q.Timeline {
		return p.Timeline > q.Timeline
	}
	if p.Received != q.Received {
		return p.Received > q.Received
	}
	return p.Node < q.Node
}
