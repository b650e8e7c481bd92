package postmaster

import (
	"context"
	"os"
	"time"
)

// Watch calls tell with the state of the server, and with every new one, until ctx ends. The end of the postmaster and
// of each orphan is told by the kernel at once; a start, which nothing tells, is looked for every so often.
func (s *Server) Watch(ctx context.Context, every time.Duration, tell func(State)) {
	var told *State
	for ctx.Err() == nil {
		now := s.Look()
		if told == nil || !now.same(*told) {
			told = &now
			tell(now)
		}
		if !s.ended(ctx, now, every) {
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
	}
}

// ended waits for the end of a process of the server, and returns false when there is none to wait for.
func (s *Server) ended(ctx context.Context, st State, every time.Duration) bool {
	var family []process
	switch st.Postmaster {
	case Runs:
		family = []process{{pid: st.PID}}
		every = time.Hour
	case Orphans:
		for _, pid := range st.Orphans {
			family = append(family, process{pid: pid})
		}
	default:
		return false
	}
	dir, err := os.Stat(s.dir)
	if err != nil {
		return false
	}
	held, err := grasp(family, dir)
	if err != nil {
		return false
	}
	defer release(held)
	if len(held) == 0 {
		return true // what we looked at is gone already
	}
	_, err = wait(ctx, held, every)
	return err == nil
}
