// Package wal is the durable log of a raft node: hard state, newest snapshot, and the entries after it.
//
// All of it is a few KiB. It lives in one file, "log", which grows by one record for each Save, and is written anew and
// put in place by a rename when a snapshot comes. As each record is on disk before the next is written, only the last one can
// be torn; anything else that does not read back is damage, and a node that forgot a promise must not vote again.
package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

const (
	logName = "log"
	newName = "log.new" // a log that is being written; it means nothing until it is renamed

	// The log is written anew, without a snapshot, when it has grown by that many bytes: hard states alone would
	// let it grow for ever in a crew that elects and decides nothing.
	maxGrowth = 1 << 20
)

// A Log is open for one process at a time, and used by one goroutine.
type Log struct {
	dir   string
	disk  disk
	lock  *os.File
	file  file
	state State
	grown int   // bytes of the file beyond its first record
	err   error // of the Save that failed; there is no Save after it
}

// Open reads the log in the folder dir, which it makes when it is missing, and locks it against other processes.
// A record that was being written when the node fell is cut off. When what was promised is damaged, the error names
// file, offset and mend. The disk needs room for a second copy of the log.
func Open(dir string) (*Log, State, error) { return open(dir, system{}) }

func open(dir string, d disk) (*Log, State, error) {
	dir = filepath.Clean(dir)
	if err := makeFolder(dir, d); err != nil {
		return nil, State{}, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, State{}, err
	}
	l := &Log{dir: dir, disk: d, lock: lock}
	cut, err := l.read()
	if err == nil {
		// What was read need not be on disk yet, as after a sync that failed. From here on raft relies on it.
		err = l.rewrite(l.state)
	}
	if err != nil {
		lock.Close()
		return nil, State{}, err
	}
	found := l.state
	found.Cut = cut
	return l, found, nil
}

// read takes the state from the file, if there is one, and tells how much of its end was torn.
func (l *Log) read() (cut int64, err error) {
	name := filepath.Join(l.dir, logName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		l.state = State{HardState: &raftpb.HardState{}}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	l.state, cut, err = parse(b)
	if err != nil {
		return 0, fmt.Errorf("%s: %w; stop this node, remove its data folder %s, and let it join again", name, err, l.dir)
	}
	return cut, nil
}

// Save keeps what is not empty of a raft.Ready, all or nothing, and returns when it is on disk. Entries replace those
// from their first index on. With a snapshot the entries after its index stay if the log holds the very entry that the
// snapshot ends with (a snapshot that this node made), else they go (one that the leader sent). A commit index below the
// snapshot is raised to it.
//
// After an error nothing that was saved before is lost, but what this call was to save may or may not be there
// at the next Open. Every further Save fails, and the node must stop.
func (l *Log) Save(hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) error {
	if l.err != nil {
		return fmt.Errorf("nothing is saved after an earlier error: %w", l.err)
	}
	if raft.IsEmptyHardState(hs) && len(entries) == 0 && raft.IsEmptySnap(snap) {
		return nil
	}
	next, err := l.state.with(hs, entries, snap)
	switch {
	case err != nil:
	case !raft.IsEmptySnap(snap) || l.grown > maxGrowth:
		err = l.rewrite(next)
	default:
		err = l.append(hs, entries)
	}
	if err != nil {
		l.err = fmt.Errorf("data folder %s: not saved: %w", l.dir, err)
		return l.err
	}
	l.state = next
	return nil
}

// append adds a record to the file.
func (l *Log) append(hs *raftpb.HardState, entries []*raftpb.Entry) error {
	b, err := appendRecord(nil, added, hs, entries, nil)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(b); err != nil {
		return err
	}
	l.grown += len(b)
	return l.file.Sync()
}

// rewrite puts a new file with that state into the place of the old one.
func (l *Log) rewrite(s State) error {
	b, err := appendRecord(fileHeader(), whole, s.HardState, s.Entries, s.Snapshot)
	if err != nil {
		return err
	}
	f, err := l.disk.Create(filepath.Join(l.dir, newName))
	if err != nil {
		return err
	}
	if err := l.replace(f, b); err != nil {
		f.Close()
		return err
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.grown = f, 0
	return nil
}

func (l *Log) replace(f file, b []byte) error {
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := l.disk.Rename(filepath.Join(l.dir, newName), filepath.Join(l.dir, logName)); err != nil {
		return err
	}
	return l.disk.SyncFolder(l.dir)
}

// Close gives the folder back to other processes.
func (l *Log) Close() error { return errors.Join(l.file.Close(), l.lock.Close()) }
