// Package wal is the durable log of a raft node: hard state, newest snapshot, and the entries after it.
//
// All of it is a few KiB. It lives in one file, which grows by one record for each Save and is written anew, and
// put in place by a rename, when a snapshot comes.
package wal

import (
	"errors"

	"go.etcd.io/raft/v3/raftpb"
)

// A State is all that a Log holds. Its messages are shared with the Log; nobody changes them.
type State struct {
	HardState *raftpb.HardState // never nil; its Commit lies within the snapshot and the entries
	Snapshot  *raftpb.Snapshot  // nil when there is none
	Entries   []*raftpb.Entry   // those after the snapshot, without gaps
	Cut       int64             // bytes of a torn last record that were cut off; that record had not been promised
}

// A Log is open for one process at a time, and used by one goroutine.
type Log struct {
	err error // of the Save that failed; there is no Save after it
}

// ErrLocked is what Open returns while another process has the folder.
var ErrLocked = errors.New("in use by another process")

// Open reads the log in the folder dir, which it makes when it is missing, and locks it against other processes.
// A record that was being written when the node fell is cut off. When what was promised is damaged, the error names
// file, offset and mend.
func Open(dir string) (*Log, State, error) {
	return nil, State{}, errors.New("not built yet")
}

// Save keeps what is not empty of a raft.Ready, all or nothing, and returns when it is on disk. Entries replace those
// from their first index on. With a snapshot the entries after its index stay if the log holds the very entry that the
// snapshot ends with (a snapshot that this node made), else they go (one that the leader sent).
//
// After an error nothing that was saved before is lost, but what this call was to save may or may not be there
// at the next Open. Every further Save fails, and the node must stop.
func (l *Log) Save(hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) error {
	return errors.New("not built yet")
}

// Close gives the folder back.
func (l *Log) Close() error { return nil }
