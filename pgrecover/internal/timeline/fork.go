package timeline

import "math"

// NoEnd is the end of a timeline that is still written.
const NoEnd = math.MaxUint64

// Fork returns where two histories part: on their last common timeline, at the first byte that one of them has for itself.
// It is NoEnd when both are on that timeline still. ok is false when they have none in common. It is what
// findCommonAncestorTimeline of PostgreSQL's pg_rewind.c finds.
func Fork(a, b History) (s Switch, ok bool) {
	as, bs := a.all(), b.all()
	for i := range min(len(as), len(bs)) {
		if as[i].Timeline != bs[i].Timeline {
			break
		}
		s, ok = Switch{as[i].Timeline, min(as[i].End, bs[i].End)}, true
		if as[i].End != bs[i].End {
			break
		}
	}
	return s, ok
}

// all are the timelines of a history, with the one that is still written.
func (h History) all() []Switch {
	return append(h.Past[:len(h.Past):len(h.Past)], Switch{h.Timeline, NoEnd})
}
