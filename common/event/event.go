// Package event holds the lines by which pgcrew's tools tell each other what happened.
//
// An event is one JSON object on one line: an envelope, and in its member d what is particular to
// its type. Every stream begins with hello and snapshot. Readers pass over types and members they do
// not know; members are added, never renamed. A consumer that hears nothing for a lease acts as
// if it had been told no.
package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Version is the version of the envelope that this package writes and reads. It changes when old
// readers would misunderstand new lines.
const Version = 1

// MaxLine is the most bytes in a line, with its newline.
const MaxLine = 64 << 10

// An Event is one line of a stream.
type Event struct {
	V       int             `json:"v"`
	Type    string          `json:"type"`              // one of the Type constants
	Seq     uint64          `json:"seq"`               // counts the lines of a stream from 1 without a gap
	Index   uint64          `json:"idx,omitempty"`     // entry of the replicated log that the line reflects
	Term    uint64          `json:"term,omitempty"`    // of the leader that decided
	Epoch   uint64          `json:"epoch,omitempty"`   // generation of the primary
	Cluster string          `json:"cluster,omitempty"` // name of the cluster
	Node    string          `json:"node,omitempty"`    // who wrote the line
	Boot    string          `json:"boot,omitempty"`    // boot id of its host
	MonoMS  int64           `json:"mono_ms"`           // time since that boot, sleep included
	TS      Time            `json:"ts,omitzero"`       // for people; nothing is decided by it
	D       json.RawMessage `json:"d,omitempty"`       // what is particular to the type
}

// A Payload is the d of one type of event.
type Payload interface{ EventType() string }

// Decode returns the d of an event whose type is T's. Members it does not know are passed over.
func Decode[T Payload](e Event) (T, error) {
	var d T
	if e.Type != d.EventType() {
		return d, fmt.Errorf("event %d is %q, not %q", e.Seq, e.Type, d.EventType())
	}
	if len(e.D) == 0 || bytes.Equal(e.D, []byte("null")) {
		return d, fmt.Errorf("event %d (%s) has no d", e.Seq, e.Type)
	}
	if err := json.Unmarshal(e.D, &d); err != nil {
		return d, fmt.Errorf("event %d (%s): %w", e.Seq, e.Type, err)
	}
	return d, nil
}

// Age returns how old an event is on the host with that boot id at that time since its boot. ok is
// false when it comes from another host or from before a reboot; whatever lease it grants must then
// be ignored. A pipe may hold hundreds of lines, so a reader that was stopped for a while finds old
// ones in it, and only their age tells them from fresh ones.
func (e Event) Age(boot string, sinceBoot time.Duration) (age time.Duration, ok bool) {
	if boot == "" || e.Boot != boot || e.MonoMS < 0 || e.MonoMS > sinceBoot.Milliseconds() {
		return 0, false
	}
	return sinceBoot - time.Duration(e.MonoMS)*time.Millisecond, true
}

// Time is a moment as events write it: UTC, with milliseconds.
type Time struct{ time.Time }

const timeLayout = `"2006-01-02T15:04:05.000Z"`

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(t.UTC().Format(timeLayout)), nil }
