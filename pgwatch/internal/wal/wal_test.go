package wal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func hard(term, vote, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: new(term), Vote: new(vote), Commit: new(commit)}
}

// run makes the entries from index first to last of one term.
func run(term, first, last uint64) []*raftpb.Entry {
	var list []*raftpb.Entry
	for i := first; i <= last; i++ {
		list = append(list, &raftpb.Entry{Term: new(term), Index: new(i), Data: []byte("decision")})
	}
	return list
}

func snapshot(term, index uint64) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: []byte("map"), Metadata: &raftpb.SnapshotMetadata{
		Term: new(term), Index: new(index), ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}},
	}}
}

// equal compares what two States promise.
func equal(a, b State) bool {
	return a.HardState.GetTerm() == b.HardState.GetTerm() && a.HardState.GetVote() == b.HardState.GetVote() &&
		a.HardState.GetCommit() == b.HardState.GetCommit() && proto.Equal(a.Snapshot, b.Snapshot) &&
		slices.EqualFunc(a.Entries, b.Entries, func(x, y *raftpb.Entry) bool { return proto.Equal(x, y) })
}

func mustOpen(t *testing.T, dir string) (*Log, State) {
	t.Helper()
	l, s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

func mustSave(t *testing.T, l *Log, hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) {
	t.Helper()
	if err := l.Save(hs, entries, snap); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A save is what one call of Save gets.
type save struct {
	hs      *raftpb.HardState
	entries []*raftpb.Entry
	snap    *raftpb.Snapshot
}

func TestWhatWasSavedIsThereAgain(t *testing.T) {
	for name, test := range map[string]struct {
		saves []save
		want  State
	}{
		"nothing": {nil, State{HardState: hard(0, 0, 0)}},
		"a vote":  {[]save{{hard(2, 1, 0), nil, nil}}, State{HardState: hard(2, 1, 0)}},
		"empty saves": {
			[]save{{hard(2, 1, 0), nil, nil}, {hard(0, 0, 0), nil, &raftpb.Snapshot{}}, {nil, nil, nil}},
			State{HardState: hard(2, 1, 0)},
		},
		"entries": {
			[]save{{hard(1, 1, 0), run(1, 1, 2), nil}, {hard(1, 1, 2), run(1, 3, 3), nil}},
			State{HardState: hard(1, 1, 2), Entries: run(1, 1, 3)},
		},
		"a conflicting tail": {
			[]save{{hard(1, 1, 1), run(1, 1, 5), nil}, {hard(2, 2, 1), run(2, 3, 4), nil}},
			State{HardState: hard(2, 2, 1), Entries: append(run(1, 1, 2), run(2, 3, 4)...)},
		},
		"a snapshot of this node keeps what follows": {
			[]save{{hard(1, 1, 4), run(1, 1, 5), nil}, {nil, nil, snapshot(1, 3)}, {nil, run(1, 6, 6), nil}},
			State{HardState: hard(1, 1, 4), Snapshot: snapshot(1, 3), Entries: run(1, 4, 6)},
		},
		"a snapshot of the leader replaces all": {
			[]save{{hard(1, 1, 2), run(1, 1, 9), nil}, {hard(3, 2, 7), nil, snapshot(3, 7)}},
			State{HardState: hard(3, 2, 7), Snapshot: snapshot(3, 7)},
		},
		"a snapshot beyond the log, and entries with it": {
			[]save{{hard(1, 1, 2), run(1, 1, 2), nil}, {hard(3, 2, 8), run(3, 8, 9), snapshot(3, 7)}},
			State{HardState: hard(3, 2, 8), Snapshot: snapshot(3, 7), Entries: run(3, 8, 9)},
		},
		"a snapshot of the same place": {
			[]save{{hard(3, 2, 9), run(3, 8, 9), snapshot(3, 7)}, {nil, nil, snapshot(3, 7)}},
			State{HardState: hard(3, 2, 9), Snapshot: snapshot(3, 7), Entries: run(3, 8, 9)},
		},
		"entries that the snapshot has": {
			[]save{{hard(3, 2, 7), nil, snapshot(3, 7)}, {nil, run(3, 5, 6), nil}, {nil, run(3, 6, 8), nil}},
			State{HardState: hard(3, 2, 7), Snapshot: snapshot(3, 7), Entries: run(3, 8, 8)},
		},
		"a commit index behind the snapshot": {
			[]save{{hard(3, 2, 0), nil, snapshot(3, 7)}},
			State{HardState: hard(3, 2, 7), Snapshot: snapshot(3, 7)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made", "here")
			l, _ := mustOpen(t, dir)
			for _, s := range test.saves {
				mustSave(t, l, s.hs, s.entries, s.snap)
			}
			mustClose(t, l)
			for range 2 { // Open writes the file anew
				l, got := mustOpen(t, dir)
				mustClose(t, l)
				if !equal(got, test.want) || got.Cut != 0 {
					t.Fatalf("got %v, want %v", got, test.want)
				}
			}
		})
	}
}

func TestWhatRaftNeverSavesIsRefusedAndEndsTheLog(t *testing.T) {
	for name, test := range map[string]struct {
		save save
		want string
	}{
		"a gap before":         {save{nil, run(1, 5, 5), nil}, "entry 5 comes, but the log ends at 3"},
		"a gap within":         {save{nil, append(run(1, 4, 4), run(1, 6, 6)...), nil}, "entry 6 comes where entry 5 belongs"},
		"a commit beyond":      {save{hard(1, 1, 4), nil, nil}, "index 4 is committed, but the entries end at 3"},
		"an older snapshot":    {save{nil, nil, snapshot(1, 1)}, "the snapshot at index 1 is older than the one at 2"},
		"more than one record": {save{nil, []*raftpb.Entry{{Index: new(uint64(4)), Data: make([]byte, maxBody)}}, nil}, "is more than 16777216"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, _ := mustOpen(t, dir)
			mustSave(t, l, hard(1, 1, 2), run(1, 1, 3), nil)
			mustSave(t, l, nil, nil, snapshot(1, 2))
			err := l.Save(test.save.hs, test.save.entries, test.save.snap)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if again := l.Save(hard(2, 1, 2), nil, nil); !errors.Is(again, err) {
				t.Fatalf("after the error: %v", again)
			}
			mustClose(t, l)
			l, got := mustOpen(t, dir)
			mustClose(t, l)
			if want := (State{HardState: hard(1, 1, 2), Snapshot: snapshot(1, 2), Entries: run(1, 3, 3)}); !equal(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		})
	}
}

func TestTheFileDoesNotGrowForEver(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir)
	defer l.Close()
	big := &raftpb.Entry{Term: new(uint64(1)), Index: new(uint64(1)), Data: make([]byte, 64<<10)}
	for term := range uint64(40) {
		mustSave(t, l, hard(term+1, 1, 0), []*raftpb.Entry{big}, nil)
	}
	info, err := os.Stat(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(maxGrowth + 200<<10); info.Size() > limit {
		t.Fatalf("%d bytes for one entry of %d", info.Size(), len(big.Data))
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir)
	if _, _, err := Open(dir); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("second Open: %v", err)
	}
	mustSave(t, l, hard(1, 1, 0), nil, nil)
	mustClose(t, l)
	l, _ = mustOpen(t, dir)
	mustClose(t, l)
}
