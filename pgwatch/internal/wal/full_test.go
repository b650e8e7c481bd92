package wal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The disk is full in the middle of a record, and in the middle of a new log.
func TestAFullDiskLosesNothingThatWasPromised(t *testing.T) {
	for name, next := range map[string]func(State) save{
		"record": func(s State) save {
			return save{hard(2, 1, s.last()), run(2, s.last()+1, s.last()+20), nil}
		},
		"snapshot": func(s State) save {
			sn := snapshot(2, s.last()+1)
			sn.Data = make([]byte, 1000*(s.last()+1))
			return save{hard(2, 1, s.last()+1), nil, sn}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
				t.Skipf("a small disk cannot be mounted here: %v", err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(dir, 0); err != nil {
					t.Errorf("unmount %s: %v", dir, err)
				}
			})
			filler := filepath.Join(dir, "filler")
			if err := os.WriteFile(filler, make([]byte, 64<<10), 0o600); err != nil {
				t.Fatal(err)
			}
			l, _ := mustOpen(t, dir)
			promised := l.state
			for {
				s := next(promised)
				err := l.Save(s.hs, s.entries, s.snap)
				if err != nil {
					if !errors.Is(err, unix.ENOSPC) {
						t.Fatal(err)
					}
					break
				}
				promised = l.state
			}
			if err := l.Save(hard(9, 9, 0), nil, nil); !errors.Is(err, unix.ENOSPC) {
				t.Fatalf("saved again on a full disk: %v", err)
			}
			mustClose(t, l)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			l, got := mustOpen(t, dir)
			mustClose(t, l)
			if !equal(got, promised) {
				t.Fatalf("got %v, want %v", got, promised)
			}
		})
	}
}
