package plan

import (
	"context"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// end returns the last byte of WAL that the server has. It is the end of the last record that pg_waldump can read, which
// begins at the newest checkpoint; page headers within that record are not counted.
func (w wal) end(ctx context.Context) (uint64, error) {
	tli, at := w.history.Timeline, w.checkpoint
	if w.timeline != tli {
		// It ended before the first checkpoint of its newest timeline.
		at = w.history.Past[len(w.history.Past)-1].End
	}
	end := max(at, w.recovered)
	last := w.lastSegment(tli, at)
	if last <= at {
		return end, nil
	}
	// pg_waldump fails at the end of the WAL, always. For a segment that is missing it would wait five seconds.
	const script = `"$1" -p "$2" -t "$3" -s "$4" -e "$5" 2>/dev/null | tail -n 1`
	out, err := host.Output(ctx, w.srv.Host, host.Shell(script, path.Join(w.srv.Bin, "pg_waldump"), path.Join(w.srv.Data, "pg_wal"),
		strconv.FormatUint(uint64(tli), 10), timeline.LSN(at), timeline.LSN(last))...)
	if err != nil {
		return 0, err
	}
	if r, ok := parseRecord(out); ok {
		end = max(end, r.end)
	}
	return end, nil
}

// lastSegment returns the end of the last segment of a timeline that is there without a gap behind a place.
func (w wal) lastSegment(tli uint32, at uint64) uint64 {
	at -= at % w.segmentSize
	for w.files[timeline.Segment{Timeline: tli, Begin: at}.Name(w.segmentSize)] {
		at += w.segmentSize
	}
	return at
}

// commonCheckpoint returns the place of the last checkpoint before the fork whose record is there, or 0.
func (w wal) commonCheckpoint(ctx context.Context, f *Facts) (uint64, error) {
	fork, ok := f.Fork()
	if !ok {
		return 0, nil
	}
	if w.checkpoint < fork.End && w.timeline <= fork.Timeline {
		return w.checkpoint, nil
	}
	// From the fork backwards, as pg_rewind reads. The segment in which a timeline begins has that timeline's name only
	// where it was written after the switch.
	var names []string
	tli, at := fork.Timeline, fork.End-fork.End%w.segmentSize
	for {
		for tli > 1 && at+w.segmentSize <= begin(w.history, tli) {
			tli = parent(w.history, tli)
		}
		name := timeline.Segment{Timeline: tli, Begin: at}.Name(w.segmentSize)
		if !w.files[name] {
			break
		}
		names = append(names, path.Join(w.srv.Data, "pg_wal", name))
		if at == 0 {
			break
		}
		at -= w.segmentSize
	}
	for len(names) > 0 {
		n, found, err := w.checkpoints(ctx, names)
		if err != nil {
			return 0, err
		}
		for i := len(found) - 1; i >= 0; i-- {
			if found[i].at < fork.End {
				return found[i].at, nil
			}
		}
		names = names[n:]
	}
	return 0, nil
}

// begin returns where a timeline of a history begins.
func begin(h timeline.History, tli uint32) uint64 {
	at := uint64(0)
	for _, s := range h.Past {
		if s.Timeline >= tli {
			break
		}
		at = s.End
	}
	return at
}

// parent returns the timeline before another one in a history.
func parent(h timeline.History, tli uint32) uint32 {
	before := uint32(1)
	for _, s := range h.Past {
		if s.Timeline >= tli {
			break
		}
		before = s.Timeline
	}
	return before
}

// checkpoints returns the checkpoints of the first segment that has any, and how many segments were looked through. The
// CHECKPOINT_REDO of PostgreSQL 17, where a checkpoint begins, is none: it may have been cut off before its end.
func (w wal) checkpoints(ctx context.Context, segments []string) (looked int, found []record, err error) {
	const script = `w=$1; shift; n=0; for f; do n=$((n+1)); out=$("$w" -r XLOG "$f" 2>/dev/null | grep -E 'desc: CHECKPOINT_(SHUTDOWN|ONLINE)'); if [ -n "$out" ]; then break; fi; done; printf '%s\n' "$n" "$out"`
	// So many names fit into a command line everywhere.
	const most = 500
	args := append([]string{path.Join(w.srv.Bin, "pg_waldump")}, segments[:min(len(segments), most)]...)
	out, err := host.Output(ctx, w.srv.Host, host.Shell(script, args...)...)
	if err != nil {
		return 0, nil, err
	}
	first, rest, _ := strings.Cut(out, "\n")
	if looked, err = strconv.Atoi(first); err != nil || looked < 1 {
		return len(segments), nil, err
	}
	for l := range strings.Lines(rest) {
		if r, ok := parseRecord(l); ok {
			found = append(found, r)
		}
	}
	return looked, found, nil
}

// A record is a line of pg_waldump.
type record struct{ at, end uint64 }

var recordLine = regexp.MustCompile(`len \(rec/tot\): *\d+/ *(\d+), .*?lsn: ([0-9A-F]+/[0-9A-F]+),`)

// alignment is MAXIMUM_ALIGNOF of the platforms that PostgreSQL runs on: records begin at multiples of it.
const alignment = 8

func parseRecord(line string) (r record, ok bool) {
	m := recordLine.FindStringSubmatch(line)
	if m == nil {
		return r, false
	}
	size, err := strconv.ParseUint(m[1], 10, 32)
	if err != nil {
		return r, false
	}
	if r.at, err = timeline.ParseLSN(m[2]); err != nil {
		return r, false
	}
	r.end = r.at + (size+alignment-1)/alignment*alignment
	return r, r.end > r.at
}
