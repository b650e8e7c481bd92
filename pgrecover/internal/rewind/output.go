package rewind

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// output reads what pg_rewind prints with --progress in the locale C, and reports how far it is.
type output struct {
	journal *step.Journal
	node    int

	rest  []byte
	said  []string // its last words
	began bool     // it has begun to write, or may have
	found summary
	err   error // of the journal
}

// summary is the detail of the step rewind.
type summary struct {
	Fork       string `json:"fork,omitempty"`
	Checkpoint string `json:"checkpoint,omitempty"` // the last common one
	Bytes      uint64 `json:"bytes"`                // that were to be copied
}

// progress is the detail of the step progress.
type progress struct {
	Bytes   uint64 `json:"bytes"`
	Total   uint64 `json:"total"`
	Percent uint64 `json:"percent"`
}

// saidLines are the lines of pg_rewind in an error.
const saidLines = 4

var (
	copiedLine     = regexp.MustCompile(`^ *(\d+)/(\d+) kB \((\d+)%\) copied`)
	forkLine       = regexp.MustCompile(`servers diverged at WAL location ([0-9A-F]+/[0-9A-F]+)`)
	checkpointLine = regexp.MustCompile(`rewinding from last common checkpoint at ([0-9A-F]+/[0-9A-F]+)`)
)

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.rest = append(o.rest, p...)
	for {
		i := bytes.IndexAny(o.rest, "\r\n")
		if i < 0 {
			return len(p), nil
		}
		o.line(string(o.rest[:i]))
		o.rest = o.rest[i+1:]
	}
}

func (o *output) line(l string) {
	if m := copiedLine.FindStringSubmatch(l); m != nil {
		o.copied(m)
		return
	}
	if m := forkLine.FindStringSubmatch(l); m != nil {
		o.found.Fork = m[1]
	}
	if m := checkpointLine.FindStringSubmatch(l); m != nil {
		o.found.Checkpoint = m[1]
	}
	// It says how much it will copy just before it begins.
	o.began = o.began || strings.Contains(l, "need to copy")
	if l = strings.TrimSpace(l); l != "" {
		o.said = append(o.said, strings.TrimPrefix(l, "pg_rewind: "))
		o.said = o.said[max(0, len(o.said)-saidLines):]
	}
}

// copied reports progress. pg_rewind says it once a second, and at the beginning and the end.
func (o *output) copied(m []string) {
	var n [3]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(m[i+1], 10, 50); err != nil {
			return
		}
	}
	o.began = true
	o.found.Bytes = n[1] << 10
	err := o.journal.Do(step.Step{Step: "progress", Node: &o.node}, func(st *step.Step) error {
		st.Detail = progress{n[0] << 10, n[1] << 10, n[2]}
		return nil
	})
	if o.err == nil {
		o.err = err
	}
}

// failed is the error of pg_rewind, in its own words when it had some.
func (o *output) failed(err error) error {
	status := host.Status(err)
	if len(o.said) == 0 || status < 0 {
		return err
	}
	return fmt.Errorf("pg_rewind ended with status %d: %s", status, strings.Join(o.said, "; "))
}
