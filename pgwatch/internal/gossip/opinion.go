package gossip

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Role is what a node says of itself.
type Role string

// The roles.
const (
	Leads   Role = "leader"
	Follows Role = "follower"
	Votes   Role = "witness"
)

// An Opinion is what a node says of itself and of the servers.
type Opinion struct {
	Role     Role
	Backends map[int]report.Health // a witness has none
}

// The letters of an encoded Opinion. Nodes of other versions may know other ones: what is not known is passed over.
var (
	roles   = map[Role]byte{Leads: 'L', Follows: 'F', Votes: 'W'}
	healths = map[report.Health]byte{report.Well: 'w', report.Starting: 's', report.Stopping: 't', report.Full: 'f', report.Denied: 'd',
		report.Refused: 'r', report.Silent: 'x', report.Unseen: 'u'}
)

// layout is the first byte of an encoded Opinion.
const layout = '1'

// encode writes an Opinion in at most limit bytes: layout, role, and for each server its number and the letter of its
// health, as in 1L0w1r. All servers that a configuration can name fit into the 512 bytes of memberlist.
func (o Opinion) encode(limit int) []byte {
	b := []byte{layout, roles[o.Role]}
	for id := 0; id <= config.MaxNode; id++ {
		h, ok := o.Backends[id]
		if !ok {
			continue
		}
		next := append(strconv.AppendInt(nil, int64(id), 10), healths[h])
		if len(b)+len(next) > limit {
			break
		}
		b = append(b, next...)
	}
	return b
}

// decode reads what another node has encoded, as far as it can be read.
func decode(b []byte) Opinion {
	o := Opinion{Backends: map[int]report.Health{}}
	if len(b) < 2 || b[0] != layout {
		return o
	}
	for role, letter := range roles {
		if letter == b[1] {
			o.Role = role
		}
	}
	for b = b[2:]; len(b) > 0; {
		n := bytes.IndexFunc(b, func(r rune) bool { return r < '0' || r > '9' })
		if n < 1 {
			return o
		}
		id, err := strconv.Atoi(string(b[:n]))
		if err != nil || id > config.MaxNode {
			return o
		}
		for h, letter := range healths {
			if letter == b[n] {
				o.Backends[id] = h
			}
		}
		b = b[n+1:]
	}
	return o
}

// same reports whether two encoded Opinions say the same.
func same(a, b Opinion, limit int) bool { return slices.Equal(a.encode(limit), b.encode(limit)) }
