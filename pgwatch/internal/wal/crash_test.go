package wal

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
)

// A faulty is a real disk that knows what a power cut may leave of it, and can fail.
//
// After a power cut a name may mean what it meant at the last sync of the folder or what it means now, and a file has
// what was there at its last sync and any part of what was written since.
type faulty struct {
	system
	names   map[string]*inode // now
	durable map[string]*inode // at the last sync of the folder
	calls   int               // so far
	failAt  int               // the call that fails, counted from 1; 0 is none
	after   func(*faulty)     // called after each call, if set
}

type inode struct{ synced, written []byte }

var errFaulty = errors.New("input/output error")

// call counts a system call, and tells whether it fails.
func (d *faulty) call() error {
	d.calls++
	if d.calls == d.failAt {
		return errFaulty
	}
	return nil
}

func (d *faulty) done() {
	if d.after != nil {
		d.after(d)
	}
}

func (d *faulty) Create(name string) (file, error) {
	if err := d.call(); err != nil {
		return nil, err
	}
	f, err := d.system.Create(name)
	if err != nil {
		return nil, err
	}
	node := &inode{}
	d.names[filepath.Base(name)] = node
	d.done()
	return &faultyFile{file: f, disk: d, inode: node}, nil
}

func (d *faulty) Rename(from, to string) error {
	if err := d.call(); err != nil {
		return err
	}
	d.names[filepath.Base(to)] = d.names[filepath.Base(from)]
	delete(d.names, filepath.Base(from))
	defer d.done()
	return d.system.Rename(from, to)
}

func (d *faulty) SyncFolder(name string) error {
	if err := d.call(); err != nil {
		return err
	}
	d.durable = maps.Clone(d.names)
	defer d.done()
	return d.system.SyncFolder(name)
}

type faultyFile struct {
	file
	disk  *faulty
	inode *inode
}

func (f *faultyFile) Write(b []byte) (int, error) {
	err := f.disk.call()
	if err != nil {
		b = b[:len(b)/2]
	}
	f.inode.written = append(f.inode.written, b...)
	n, writeErr := f.file.Write(b)
	f.disk.done()
	return n, errors.Join(err, writeErr)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.call(); err != nil {
		return err
	}
	f.inode.synced = slices.Clone(f.inode.written)
	defer f.disk.done()
	return f.file.Sync()
}

// leftovers returns each content that the log may have after a power cut now; nil is no log.
func (d *faulty) leftovers() [][]byte {
	var all [][]byte
	for _, names := range []map[string]*inode{d.names, d.durable} {
		node := names[logName]
		if node == nil {
			all = append(all, nil)
			continue
		}
		for n := len(node.synced); n <= len(node.written); n++ {
			torn := slices.Clone(node.written)
			clear(torn[n:]) // the length reached the disk before the bytes
			all = append(all, slices.Clone(node.written[:n]), torn)
		}
	}
	return all
}

// wantLeftovers checks that whatever a power cut leaves is one of the states.
func wantLeftovers(t *testing.T, d *faulty, states ...State) {
	t.Helper()
	for _, b := range d.leftovers() {
		got := State{HardState: hard(0, 0, 0)}
		if b != nil {
			var err error
			if got, _, err = parse(b); err != nil {
				t.Fatalf("after call %d, with %d bytes: %v", d.calls, len(b), err)
			}
		}
		if !slices.ContainsFunc(states, func(s State) bool { return equal(got, s) }) {
			t.Fatalf("after call %d, with %d bytes: got %v, want one of %v", d.calls, len(b), got, states)
		}
	}
}

// A step is a save, or a new start of the process.
var steps = []*save{
	{hard(1, 1, 0), nil, nil},
	{nil, run(1, 1, 3), nil},
	nil,
	{hard(1, 1, 3), run(1, 4, 5), nil},
	{nil, nil, snapshot(1, 3)},
	{hard(2, 2, 4), run(2, 5, 6), nil},
	nil,
	{hard(4, 3, 9), run(4, 9, 9), snapshot(4, 8)},
	{hard(5, 3, 9), nil, nil},
	nil,
}

func TestAPowerCutAtAnyCallLosesNothingThatWasPromised(t *testing.T) {
	dir := t.TempDir()
	d := &faulty{names: map[string]*inode{}}
	now := State{HardState: &raftpb.HardState{}}
	next := now
	d.after = func(d *faulty) { wantLeftovers(t, d, now, next) }

	l, _, err := open(dir, d)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range steps {
		if s == nil {
			mustClose(t, l)
			var got State
			if l, got, err = open(dir, d); err != nil || !equal(got, now) {
				t.Fatalf("step %d: got %v, %v; want %v", i, got, err, now)
			}
			continue
		}
		if next, err = now.with(s.hs, s.entries, s.snap); err != nil {
			t.Fatal(err)
		}
		mustSave(t, l, s.hs, s.entries, s.snap)
		now = next
		wantLeftovers(t, d, now)
	}
	mustClose(t, l)
}

func TestAnErrorAtAnyCallLosesNothingThatWasPromised(t *testing.T) {
	for failAt := 1; ; failAt++ {
		dir := t.TempDir()
		d := &faulty{names: map[string]*inode{}, failAt: failAt}
		before, after, err := runSteps(t, dir, d)
		if d.calls < failAt {
			if err != nil {
				t.Fatal(err)
			}
			return // there are no more calls
		}
		if !errors.Is(err, errFaulty) {
			t.Fatalf("call %d: %v", failAt, err)
		}
		wantLeftovers(t, d, before, after)
		l, got, err := Open(dir)
		if err != nil || !equal(got, before) && !equal(got, after) {
			t.Fatalf("call %d: got %v, %v; want %v or %v", failAt, got, err, before, after)
		}
		mustSave(t, l, hard(9, 1, got.HardState.GetCommit()), nil, nil)
		mustClose(t, l)
	}
}

// runSteps takes the steps until one fails, and returns the states before and after that one.
func runSteps(t *testing.T, dir string, d *faulty) (before, after State, err error) {
	before = State{HardState: &raftpb.HardState{}}
	l, _, err := open(dir, d)
	if err != nil {
		return before, before, err
	}
	for _, s := range steps {
		if s == nil {
			mustClose(t, l)
			if l, _, err = open(dir, d); err != nil {
				return before, before, err
			}
			continue
		}
		if after, err = before.with(s.hs, s.entries, s.snap); err != nil {
			t.Fatal(err)
		}
		if err = l.Save(s.hs, s.entries, s.snap); err != nil {
			if again := l.Save(hard(9, 9, 0), nil, nil); !errors.Is(again, errFaulty) {
				t.Fatalf("saved again after an error: %v", again)
			}
			mustClose(t, l)
			return before, after, err
		}
		before = after
	}
	mustClose(t, l)
	return before, before, nil
}

// A new log that was not finished means nothing, whatever is in it.
func TestAnUnfinishedNewLogIsIgnored(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir)
	mustSave(t, l, hard(3, 1, 0), nil, nil)
	mustClose(t, l)
	if err := os.WriteFile(filepath.Join(dir, newName), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, got := mustOpen(t, dir)
	mustClose(t, l)
	if want := (State{HardState: hard(3, 1, 0)}); !equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}
