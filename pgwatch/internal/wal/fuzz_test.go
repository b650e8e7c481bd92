package wal

import (
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Whatever the file holds: it is refused and left alone, or what is taken from it holds together and is there again.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(fileHeader())
	whole, err := appendRecord(fileHeader(), whole, hard(2, 1, 4), run(2, 4, 5), snapshot(2, 3))
	if err != nil {
		f.Fatal(err)
	}
	more, err := appendRecord(whole, added, hard(3, 1, 5), run(3, 5, 6), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(more)
	f.Add(more[:len(more)-3])
	f.Fuzz(func(t *testing.T, b []byte) { checkOpen(t, b) })
}

// As FuzzOpen, but checksums are right.
func FuzzBody(f *testing.F) {
	for _, m := range []*raftpb.Message{
		{Type: new(raftpb.MsgStorageAppend), Term: new(uint64(3)), Commit: new(uint64(5)), Entries: run(3, 5, 6), Snapshot: snapshot(3, 4)},
		{Type: new(raftpb.MsgStorageAppend), Snapshot: snapshot(3, ^uint64(0)), Entries: run(3, 0, 0)},
		{Type: new(raftpb.MsgApp)},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := fileHeader()
		b = sealRecord(b, whole, first)
		checkOpen(t, sealRecord(b, added, second))
	})
}

func checkOpen(t *testing.T, b []byte) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, logName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, s, err := Open(dir)
	if err != nil {
		return
	}
	for i, e := range s.Entries {
		if want := s.Snapshot.GetMetadata().GetIndex() + 1 + uint64(i); e.GetIndex() != want || want == 0 {
			t.Fatalf("entry %d is where entry %d belongs", e.GetIndex(), want)
		}
	}
	if c := s.HardState.GetCommit(); c > s.last() || c < s.first()-1 {
		t.Fatalf("commit index %d, but the log goes from %d to %d", c, s.first(), s.last())
	}
	if s.Cut < 0 || s.Cut > int64(len(b)) {
		t.Fatalf("%d of %d bytes were cut off", s.Cut, len(b))
	}
	mustSave(t, l, nil, run(s.HardState.GetTerm(), s.last()+1, s.last()+1), nil)
	want := l.state
	mustClose(t, l)
	l, got := mustOpen(t, dir)
	mustClose(t, l)
	if !equal(got, want) || got.Cut != 0 {
		t.Fatalf("got %v, want %v", got, want)
	}
}
