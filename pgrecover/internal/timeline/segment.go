package timeline

import (
	"fmt"
	"strconv"
)

// A Segment is one file of pg_wal.
type Segment struct {
	Timeline uint32
	Begin    uint64 // the place of its first byte
}

// ParseSegment reads the name of a file of pg_wal; size is wal_segment_size in bytes. ok is false for a file that is no
// segment.
func ParseSegment(name string, size uint64) (s Segment, ok bool) {
	if len(name) != 24 || size == 0 {
		return s, false
	}
	var parts [3]uint64
	for i := range parts {
		n, err := strconv.ParseUint(name[8*i:8*i+8], 16, 32)
		if err != nil {
			return s, false
		}
		parts[i] = n
	}
	if parts[2] > 0xFFFFFFFF/size {
		return s, false
	}
	return Segment{uint32(parts[0]), parts[1]<<32 + parts[2]*size}, true
}

// Name is the name of the file, as XLogFileName of PostgreSQL's xlog_internal.h makes it.
func (s Segment) Name(size uint64) string {
	return fmt.Sprintf("%08X%08X%08X", s.Timeline, s.Begin>>32, s.Begin&0xFFFFFFFF/size)
}
