package sockets

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The socket has the group and the mode that the configuration gives it, because they say who may use it.
func TestUnixSocketBelongs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give a file to any group")
	}
	for group, want := range map[int]uint32{-1: uint32(os.Getgid()), 4321: 4321} {
		path := filepath.Join(t.TempDir(), "socket")
		l, err := openUnix(path, 0o770, group)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Gid; got != want || info.Mode().Perm() != 0o770 {
			t.Errorf("group %d: the socket has group %d and mode %v", group, got, info.Mode())
		}
		l.Close()
	}
}
