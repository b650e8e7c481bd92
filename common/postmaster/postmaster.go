// Package postmaster tells from this host's process table whether a PostgreSQL server runs, ends it, and starts it again.
//
// A server is known by its data directory, which is the working directory of all its processes. That a port is closed,
// or that the postmaster is gone, does not prove that nothing writes any more: a backend of a killed postmaster finishes
// its statement, commits, and tells its client so.
package postmaster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Server is the PostgreSQL server of one data directory on this host, whether it runs or not. Its methods may be called
// from several goroutines.
type Server struct {
	dir  string
	seen atomic.Bool // we saw it run: its processes are visible to us
}

// New names a server by its data directory; "" is one of which none is known. Its configuration may be elsewhere.
func New(dir string) *Server { return &Server{dir: dir} }

// Data is the data directory.
func (s *Server) Data() string { return s.dir }

// A Presence is whether a server runs.
type Presence string

// The presences.
const (
	Runs    Presence = "runs"
	Orphans Presence = "orphans" // its postmaster is gone, but processes of it live, and may still commit
	Dead    Presence = "dead"    // the postmaster and all its processes are gone
	Unknown Presence = "unknown" // no data directory is known, or it cannot be read
)

// State is what the process table says of a server.
type State struct {
	Postmaster Presence
	PID        int    // of the postmaster; 0 unless it runs
	Orphans    []int  // process numbers of what it left behind
	Stopped    bool   // it is dead, and was shut down in order before
	Standby    bool   // it is dead, and was a standby before
	Why        string // it is unknown
}

func (s State) same(o State) bool {
	return s.Postmaster == o.Postmaster && s.PID == o.PID && slices.Equal(s.Orphans, o.Orphans) && s.Stopped == o.Stopped && s.Standby == o.Standby && s.Why == o.Why
}

// Look says how the server is now. It takes microseconds while the server runs, and a walk through /proc otherwise.
//
// It is Unknown, and Why says the reason, when the directory cannot be read or its processes could hide from us: only
// root and the owner of the directory see all of them, and only in the process namespace that the server runs in.
func (s *Server) Look() State {
	dir, err := s.stat()
	if err != nil {
		return unknown(err)
	}
	file, err := readPIDFile(s.dir)
	if err != nil {
		return unknown(err)
	}
	if p, err := look(file.pid, dir); err == nil && p.family {
		s.seen.Store(true)
		return State{Postmaster: Runs, PID: file.pid}
	}
	for again := dyingLooks; ; again-- {
		family, err := relatives(dir)
		if err != nil {
			return unknown(fmt.Errorf("%s: %w", s.dir, err))
		}
		family = slices.DeleteFunc(family, func(p process) bool { return p.logger })
		if len(family) > 0 {
			s.seen.Store(true)
			return lost(family)
		}
		n := attached(file.shmKey, file.shmID)
		if n == 0 {
			break
		}
		if again == 0 {
			return unknown(fmt.Errorf("%s: %d processes that cannot be seen hold its shared memory", s.dir, n))
		}
		time.Sleep(dyingPause)
	}
	// A server that runs has its file: it looks each minute, and ends itself without it.
	if file.there && !s.seen.Load() && !hostNamespace() {
		return unknown(fmt.Errorf("%s: no process is seen, but the server may run in another container", s.dir))
	}
	c, err := s.Control()
	return State{Postmaster: Dead, Stopped: err == nil && c.Stopped, Standby: err == nil && c.Standby}
}

// A process that dies cannot be told from others any more shortly before it lets go of the memory, so that what holds it unseen is
// looked at again before it counts as hidden.
const (
	dyingLooks = 5
	dyingPause = 10 * time.Millisecond
)

// lost describes processes to which postmaster.pid does not lead.
func lost(family []process) State {
	st := State{Postmaster: Orphans}
	for _, p := range family {
		if p.main {
			// The file was removed, or is not written yet.
			return State{Postmaster: Runs, PID: p.pid}
		}
		st.Orphans = append(st.Orphans, p.pid)
	}
	return st
}

// stat finds the data directory, and makes sure that its processes cannot hide from us.
func (s *Server) stat() (os.FileInfo, error) {
	if s.dir == "" {
		return nil, fmt.Errorf("no data directory is configured: set backend_data_directory")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "PG_VERSION")); err != nil {
		return nil, fmt.Errorf("not a data directory that can be read: %w", err)
	}
	dir, err := os.Stat(s.dir)
	if err != nil {
		return nil, err
	}
	owner := dir.Sys().(*syscall.Stat_t).Uid
	if me := os.Geteuid(); me != 0 && me != int(owner) {
		return nil, fmt.Errorf("%s belongs to user %d: run this as that user, or as root, to see its processes",
			s.dir, owner)
	}
	return dir, nil
}

func unknown(why error) State { return State{Postmaster: Unknown, Why: why.Error()} }

// hostNamespace tells whether we are in the process namespace that the kernel made first, from which all are visible.
func hostNamespace() bool {
	link, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && link == "pid:[4026531836]" // PROC_PID_INIT_INO in the kernel's proc_ns.h
}
