package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// control is what pg_controldata says of a data directory.
type control struct {
	systemID    string
	state       string
	checkpoint  uint64 // where the newest checkpoint's record begins
	timeline    uint32 // of that
	recovered   uint64 // how far a standby must replay at least before it is consistent; 0 of a primary
	segmentSize uint64
	hints       bool // checksums or wal_log_hints
}

// clean tells whether the server was shut down in order.
func (c control) clean() bool { return c.state == "shut down" || c.state == "shut down in recovery" }

// standby tells whether it ran as a standby.
func (c control) standby() bool {
	return c.state == "shut down in recovery" || c.state == "in archive recovery"
}

// parseControl reads the output of pg_controldata in the locale C. Its words are those of PostgreSQL 10 and later.
func parseControl(text string) (c control, err error) {
	fields := make(map[string]string)
	for l := range strings.Lines(text) {
		if name, value, ok := strings.Cut(l, ":"); ok {
			fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	p := controlParser{fields: fields}
	c.systemID = p.text("Database system identifier")
	c.state = p.text("Database cluster state")
	c.checkpoint = p.lsn("Latest checkpoint location")
	c.timeline = uint32(p.number("Latest checkpoint's TimeLineID", 32))
	c.recovered = p.lsn("Minimum recovery ending location")
	c.segmentSize = p.number("Bytes per WAL segment", 32)
	c.hints = p.number("Data page checksum version", 32) != 0 || p.text("wal_log_hints setting") == "on"
	if p.err == nil && c.segmentSize == 0 {
		p.err = fmt.Errorf("a WAL segment has 0 bytes")
	}
	if p.err != nil {
		return control{}, fmt.Errorf("what pg_controldata says is not understood: %w", p.err)
	}
	return c, nil
}

// controlParser takes fields and keeps the first error.
type controlParser struct {
	fields map[string]string
	err    error
}

func (p *controlParser) text(name string) string {
	v, ok := p.fields[name]
	if !ok && p.err == nil {
		p.err = fmt.Errorf("it has no line %q", name)
	}
	return v
}

func (p *controlParser) number(name string, bits int) uint64 {
	n, err := strconv.ParseUint(p.text(name), 10, bits)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %w", name, err)
	}
	return n
}

func (p *controlParser) lsn(name string) uint64 {
	at, err := timeline.ParseLSN(p.text(name))
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %w", name, err)
	}
	return at
}
