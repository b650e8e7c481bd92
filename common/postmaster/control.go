package postmaster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
)

// Control is what is known of a server from its files, while it runs or not.
type Control struct {
	SystemID           string
	Timeline           uint32 // the newest that it has WAL of
	Checkpoint         uint64 // where the record of the newest checkpoint begins; of a server that was shut down, its last one
	CheckpointTimeline uint32 // of that record
	Stopped            bool   // it was shut down in order, as a primary or as a standby
	Standby            bool   // it was a standby when it ran last, or is one
}

// Control reads global/pg_control. The file itself is read, not the output of pg_controldata: the place and version of
// that program would have to be known, it takes a process each time, and its words are translated. The fields used here
// have had their places since PostgreSQL 8.1, and the file's own checksum shows that it was read right.
func (s *Server) Control() (Control, error) {
	c, err := readControl(filepath.Join(s.dir, "global", "pg_control"))
	if err != nil {
		// It is written in place while the server runs: another look finds it whole.
		c, err = readControl(filepath.Join(s.dir, "global", "pg_control"))
	}
	if err != nil {
		return Control{}, err
	}
	// The file names the timeline of the last checkpoint, which a promotion does not wait for. Its WAL has the new one.
	files, err := os.ReadDir(filepath.Join(s.dir, "pg_wal"))
	for _, f := range files {
		if name := f.Name(); len(name) == 24 {
			if n, err := strconv.ParseUint(name[:8], 16, 32); err == nil {
				c.Timeline = max(c.Timeline, uint32(n))
			}
		}
	}
	return c, err
}

// The places of struct ControlFileData in PostgreSQL's pg_control.h.
const (
	controlVersionAt  = 8
	controlStateAt    = 16
	controlCheckAt    = 32
	controlTimelineAt = 48 // of checkPointCopy; 8 more before version 11, which dropped a field in front of it
	controlLongest    = 512

	controlVersion11 = 1100
)

// Values of enum DBState.
const (
	stateShutDown           = 1
	stateShutDownInRecovery = 2
	stateInArchiveRecovery  = 5
)

func readControl(path string) (Control, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Control{}, err
	}
	if err := checksum(b); err != nil {
		return Control{}, fmt.Errorf("%s: %w", path, err)
	}
	version := binary.NativeEndian.Uint32(b[controlVersionAt:])
	state := binary.NativeEndian.Uint32(b[controlStateAt:])
	at := controlTimelineAt
	if version < controlVersion11 {
		at += 8
	}
	timeline := binary.NativeEndian.Uint32(b[at:])
	return Control{
		SystemID:           strconv.FormatUint(binary.NativeEndian.Uint64(b), 10),
		Timeline:           timeline,
		Checkpoint:         binary.NativeEndian.Uint64(b[controlCheckAt:]),
		CheckpointTimeline: timeline,
		Stopped:            state == stateShutDown || state == stateShutDownInRecovery,
		Standby:            state == stateShutDownInRecovery || state == stateInArchiveRecovery,
	}, nil
}

// checksum finds the CRC-32C that ends the structure. How long the structure is depends on the version, so all places
// after the fields that we read are tried.
func checksum(b []byte) error {
	if len(b) < controlLongest {
		return errors.New("the file is too short")
	}
	const from = 128
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Checksum(b[:from], table)
	for at := from; at+4 <= controlLongest; at += 4 {
		if binary.NativeEndian.Uint32(b[at:]) == sum {
			return nil
		}
		sum = crc32.Update(sum, table, b[at:at+4])
	}
	return errors.New("its checksum does not fit: it is damaged, or of another machine")
}
