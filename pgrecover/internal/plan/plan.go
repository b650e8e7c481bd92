// Package plan finds what it takes to make a server a standby of the primary, and why nothing cheaper will do.
//
// Gather looks and changes nothing; Decide is a pure function of what was seen.
package plan

import (
	"context"
	"encoding/json"

	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// A Method is a way to make a server a standby.
type Method string

// The methods, the cheapest first.
const (
	Auto    Method = "auto"    // asked for only: the cheapest that is possible, or Script when one is configured
	Nothing Method = "nothing" // found only: it follows already
	Follow  Method = "follow"  // tell it where to stream from
	Rewind  Method = "rewind"  // pg_rewind, then follow
	Backup  Method = "backup"  // a new copy of the primary
	Script  Method = "script"  // recovery_1st_stage_command, as Pgpool-II does
)

// A Wish is what the operator asks for.
type Wish struct {
	Method Method
	Script string // recovery_1st_stage_command; "" is none
	Force  bool   // discard the data of another cluster, too
}

// scripted tells whether the script is wanted.
func (w Wish) scripted() bool { return w.Method == Script || w.Method == Auto && w.Script != "" }

// A Plan is what is to be done. Its JSON is the detail of the step plan.
type Plan struct {
	Method   Method      `json:"method"`
	Why      string      `json:"why"`
	Stop     bool        `json:"stop,omitempty"`     // the server of the node runs, and has to be stopped before
	Discards *Divergence `json:"discards,omitempty"` // what is known to be lost of the node's own
	// RestoreWAL is that pg_rewind must fetch WAL that the node has recycled by its restore_command.
	RestoreWAL bool  `json:"restore_wal,omitempty"`
	Facts      Facts `json:"-"`
}

// A Divergence is the WAL of a node from where the primary's history parted from it.
type Divergence struct {
	Timeline uint32 // that the node was on there
	From, To uint64 // the fork, and the node's last byte
}

// Bytes is how much it is.
func (d Divergence) Bytes() uint64 { return d.To - d.From }

// MarshalJSON writes the places as PostgreSQL does.
func (d Divergence) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Bytes    uint64 `json:"bytes"`
		Timeline uint32 `json:"timeline"`
		From     string `json:"from"`
		To       string `json:"to"`
	}{d.Bytes(), d.Timeline, timeline.LSN(d.From), timeline.LSN(d.To)})
}

// Find looks and decides. The error is a follow.Refusal when nothing may be done.
func Find(ctx context.Context, q Question, w Wish) (Plan, error) {
	q.Copy = w.Method == Backup || w.scripted()
	f, err := Gather(ctx, q)
	if err != nil {
		return Plan{}, err
	}
	return Decide(f, w)
}
