package sim

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
)

// A Disk keeps what a node has saved, as package wal does.
type Disk struct{ state authority.State }

// Save keeps s.
func (d *Disk) Save(s *authority.Save) {
	if !raft.IsEmptySnap(s.Snapshot) {
		at, term := s.Snapshot.GetMetadata().GetIndex(), s.Snapshot.GetMetadata().GetTerm()
		var rest []*raftpb.Entry
		for i, e := range d.state.Entries {
			if e.GetIndex() == at && e.GetTerm() == term {
				rest = append(rest, d.state.Entries[i+1:]...)
			}
		}
		d.state.Snapshot, d.state.Entries = s.Snapshot, rest
	}
	if len(s.Entries) > 0 {
		var kept []*raftpb.Entry
		for _, e := range d.state.Entries {
			if e.GetIndex() < s.Entries[0].GetIndex() {
				kept = append(kept, e)
			}
		}
		d.state.Entries = append(kept, s.Entries...)
	}
	if !raft.IsEmptyHardState(s.Hard) {
		d.state.Hard = s.Hard
	}
}

// Wipe loses all of it.
func (d *Disk) Wipe() { d.state = authority.State{} }
