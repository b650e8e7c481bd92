package wal

import (
	"fmt"
	"math"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// A State is all that a Log holds. Its messages are shared with the Log; nobody changes them.
type State struct {
	HardState *raftpb.HardState // never nil; its Commit lies within the snapshot and the entries
	Snapshot  *raftpb.Snapshot  // nil when there is none
	Entries   []*raftpb.Entry   // those after the snapshot, without gaps
	Cut       int64             // bytes of a torn last record that were cut off; it had not been promised
}

// with returns the State that Save makes of s. It shares the entries' messages with s, but not the slice.
func (s State) with(hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) (State, error) {
	if !raft.IsEmptyHardState(hs) {
		s.HardState = hs
	}
	if !raft.IsEmptySnap(snap) {
		switch to := snap.GetMetadata().GetIndex(); {
		case to < s.first()-1:
			return State{}, fmt.Errorf("the snapshot at index %d is older than the one at %d", to, s.first()-1)
		case to == math.MaxUint64:
			return State{}, fmt.Errorf("the snapshot at index %d leaves no index for entries", to)
		}
		s.Entries = s.after(snap.GetMetadata())
		s.Snapshot = snap
	}
	if len(entries) > 0 {
		if err := s.put(entries); err != nil {
			return State{}, err
		}
	}
	switch commit := s.HardState.GetCommit(); {
	case commit < s.first()-1:
		s.HardState = &raftpb.HardState{
			Term: new(s.HardState.GetTerm()), Vote: new(s.HardState.GetVote()), Commit: new(s.first() - 1),
		}
	case commit > s.last():
		return State{}, fmt.Errorf("index %d is committed, but the entries end at %d", commit, s.last())
	}
	return s, nil
}

// first is the index after the snapshot.
func (s *State) first() uint64 { return s.Snapshot.GetMetadata().GetIndex() + 1 }

// last is the index of the last entry, or of the snapshot when there is none.
func (s *State) last() uint64 { return s.first() + uint64(len(s.Entries)) - 1 }

// after returns the entries that stay when a snapshot comes: those after it, if it belongs to the same history.
func (s *State) after(m *raftpb.SnapshotMetadata) []*raftpb.Entry {
	switch at := m.GetIndex(); {
	case at == s.first()-1 && m.GetTerm() == s.Snapshot.GetMetadata().GetTerm():
		return s.Entries
	case at >= s.first() && at <= s.last() && s.Entries[at-s.first()].GetTerm() == m.GetTerm():
		return s.Entries[at-s.first()+1:]
	}
	return nil
}

// put replaces the entries from the first given index on.
func (s *State) put(entries []*raftpb.Entry) error {
	from := entries[0].GetIndex()
	for i, e := range entries {
		if e.GetIndex() != from+uint64(i) {
			return fmt.Errorf("entry %d comes where entry %d belongs", e.GetIndex(), from+uint64(i))
		}
	}
	if from > s.last()+1 {
		return fmt.Errorf("entry %d comes, but the log ends at %d", from, s.last())
	}
	if from < s.first() { // the snapshot has them already
		entries = entries[min(s.first()-from, uint64(len(entries))):]
		from = s.first()
	}
	if len(entries) > 0 {
		keep := s.Entries[: from-s.first() : from-s.first()]
		s.Entries = append(keep, entries...)
	}
	return nil
}
