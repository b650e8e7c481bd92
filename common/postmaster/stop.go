package postmaster

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A Mode is how a server is stopped, as pg_ctl names it.
type Mode unix.Signal

// The modes.
const (
	Fast      = Mode(unix.SIGINT)  // the sessions end with an error, the WAL goes to the standbys, a checkpoint is made
	Immediate = Mode(unix.SIGQUIT) // everything ends at once; the next start recovers
)

// mercy is how long an orphan may take to obey SIGQUIT. It is idle in PostgreSQL's code within a few milliseconds,
// unless the disk holds it up.
const mercy = 200 * time.Millisecond

// Stop ends the server and leaves no process of it. It asks the postmaster, gives it so much time, and then kills what is
// left. A server that is dead already is no error; one that could live unseen is.
func (s *Server) Stop(ctx context.Context, mode Mode, patience time.Duration) error {
	st := s.Look()
	if st.Postmaster == Runs {
		if err := s.ask(ctx, st.PID, unix.Signal(mode), patience); err != nil {
			return err
		}
	}
	return s.kill(ctx, true)
}

// Kill ends what a dead postmaster has left behind: SIGQUIT, and SIGKILL for what is there 200 ms later. It returns when
// nothing is left, or with ctx's end. A postmaster that runs is an error; Stop is for that.
func (s *Server) Kill(ctx context.Context) error { return s.kill(ctx, false) }

// ask sends the postmaster a signal and waits for its end, however many processes it leaves behind.
func (s *Server) ask(ctx context.Context, pid int, sig unix.Signal, patience time.Duration) error {
	dir, err := s.stat()
	if err != nil {
		return err
	}
	p, err := look(pid, dir)
	if err != nil {
		return nil // it is gone
	}
	held, err := grasp([]process{p}, dir)
	if err != nil || len(held) == 0 {
		return err
	}
	defer release(held)
	if p.frozen {
		// To let it go on would let it write.
		return nil
	}
	if err := held[0].signal(sig); err != nil {
		return err
	}
	_, err = waitAll(ctx, held, patience)
	return err
}

// kill ends all processes of the server; all says whether the postmaster is meant, too.
func (s *Server) kill(ctx context.Context, all bool) error {
	for ctx.Err() == nil {
		st := s.Look()
		switch {
		case st.Postmaster == Dead:
			return nil
		case st.Postmaster == Unknown:
			return fmt.Errorf("stop the server: %s", st.Why)
		case st.Postmaster == Runs && !all:
			return fmt.Errorf("%s: its postmaster runs, with process number %d: stop it", s.dir, st.PID)
		}
		if err := s.sweep(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: processes %v are still there: %w", s.dir, s.Look().Orphans, ctx.Err())
}

// sweep ends the processes that are there now. The postmaster goes first and at once, or it would make new ones.
func (s *Server) sweep(ctx context.Context) error {
	dir, err := s.stat()
	if err != nil {
		return err
	}
	family, err := relatives(dir)
	if err != nil {
		return err
	}
	held, err := grasp(family, dir)
	if err != nil {
		return err
	}
	defer release(held)
	for _, h := range held {
		sig := unix.SIGQUIT
		if h.main {
			sig = unix.SIGKILL
		}
		if err := h.signal(sig); err != nil {
			return err
		}
	}
	left, err := waitAll(ctx, held, mercy)
	if err != nil {
		return err
	}
	for _, h := range left {
		if err := h.signal(unix.SIGKILL); err != nil {
			return err
		}
	}
	_, err = waitAll(ctx, left, time.Minute)
	return err
}
