// Package timeline reads PostgreSQL's timeline history files: where each timeline of a server's past ended.
package timeline

import (
	"fmt"
	"strconv"
	"strings"
)

// A History is the past of one timeline, oldest first.
type History struct {
	Timeline uint32
	Past     []Switch
}

// A Switch is where a timeline was left for the next one.
type Switch struct {
	Timeline uint32
	End      uint64 // its first byte of WAL that the next timeline does not have
}

// Parse reads the history file of a timeline, as readTimeLineHistory of PostgreSQL's timeline.c does. Timeline 1 has none,
// which is an empty text here.
func Parse(id uint32, text string) (History, error) {
	h := History{Timeline: id}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var tli, high, low uint32
		if _, err := fmt.Sscanf(line, "%d %X/%X", &tli, &high, &low); err != nil {
			return h, fmt.Errorf("the history of timeline %d has the line %.60q: %w", id, line, err)
		}
		s := Switch{tli, uint64(high)<<32 | uint64(low)}
		if n := len(h.Past); tli == 0 || tli >= id || n > 0 && (tli <= h.Past[n-1].Timeline || s.End < h.Past[n-1].End) {
			return h, fmt.Errorf("the history of timeline %d has the line %.60q, which is not in order", id, line)
		}
		h.Past = append(h.Past, s)
	}
	if id > 1 && len(h.Past) == 0 {
		return h, fmt.Errorf("the history of timeline %d is empty", id)
	}
	return h, nil
}

// End returns where a timeline ends in this history. The newest one has no end: none is true. known is false when the
// timeline is no part of it.
func (h History) End(tli uint32) (end uint64, none, known bool) {
	if tli == h.Timeline {
		return 0, true, true
	}
	for _, s := range h.Past {
		if s.Timeline == tli {
			return s.End, false, true
		}
	}
	return 0, false, false
}

// File is the name of a timeline's history file, in pg_wal. Timeline 1 has none.
func File(tli uint32) string { return fmt.Sprintf("%08X.history", tli) }

// LSN writes a place in the WAL as PostgreSQL does.
func LSN(at uint64) string { return fmt.Sprintf("%X/%X", at>>32, uint32(at)) }

// ParseLSN reads a place in the WAL as PostgreSQL writes it.
func ParseLSN(s string) (uint64, error) {
	high, low, ok := strings.Cut(s, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	l, lowErr := strconv.ParseUint(low, 16, 32)
	if !ok || err != nil || lowErr != nil {
		return 0, fmt.Errorf("%.40q is no place in the WAL", s)
	}
	return h<<32 | l, nil
}
