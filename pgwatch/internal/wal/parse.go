package wal

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// parse reads a file, and tells how many bytes at its end are a record that was torn.
func parse(b []byte) (s State, cut int64, err error) {
	if err := checkHeader(b); err != nil {
		return State{}, 0, err
	}
	s.HardState = &raftpb.HardState{}
	want := whole
	for rest := b[headerSize:]; len(rest) > 0 || want == whole; want = added {
		damaged := func(format string, args ...any) (State, int64, error) {
			what := fmt.Sprintf(format, args...)
			return State{}, 0, fmt.Errorf("damaged at byte %d of %d: %s", len(b)-len(rest), len(b), what)
		}
		k, body, next, ok := cutRecord(rest)
		switch {
		case !ok && want == whole: // it was on disk before the file got its name
			return damaged("the first record does not match its checksums")
		case !ok && (len(rest) > headSize+maxBody || hasRecord(rest[1:])):
			return damaged("a record does not match its checksums, and is not the last one")
		case !ok:
			return s, int64(len(rest)), nil
		case k != want:
			return damaged("a record of kind %d is where kind %d belongs", k, want)
		}
		if s, err = s.apply(body); err != nil {
			return damaged("%v", err)
		}
		rest = next
	}
	return s, 0, nil
}

// hasRecord reports whether a record begins anywhere in b.
func hasRecord(b []byte) bool {
	for ; len(b) >= headSize; b = b[1:] {
		if _, _, _, ok := cutRecord(b); ok {
			return true
		}
	}
	return false
}

// apply does again what the Save that wrote the body did.
func (s State) apply(body []byte) (State, error) {
	var m raftpb.Message
	if err := proto.Unmarshal(body, &m); err != nil {
		return State{}, err
	}
	if m.GetType() != raftpb.MsgStorageAppend {
		return State{}, fmt.Errorf("a record holds a %v", m.GetType())
	}
	return s.with(&raftpb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}, m.GetEntries(), m.GetSnapshot())
}
