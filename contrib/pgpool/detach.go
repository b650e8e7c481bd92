package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pgcrew/pgcrew/common/tool"
)

// detach starts this program again in a session of its own, and waits until the crew has started. Until then its words
// still come to the terminal, and its exit status is ours.
func detach(ctx context.Context, t *tool.Tool) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(program, append(os.Args[1:], "--ready-fd=3")...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = t.Out, t.Err
	cmd.ExtraFiles = []*os.File{w} // descriptor 3
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("leave the terminal: %w", err)
	}
	defer context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGINT) })()
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return nil
	}
	if err := cmd.Wait(); cmd.ProcessState == nil {
		return err
	}
	// It has said why.
	return tool.Coded{Err: errors.New(""), Code: cmd.ProcessState.ExitCode()}
}

// leave leaves the terminal and tells the process that waits.
func leave(fd int) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for _, standard := range []int{0, 1, 2} {
		if err := unix.Dup3(int(null.Fd()), standard, 0); err != nil {
			return err
		}
	}
	ready := os.NewFile(uintptr(fd), "ready")
	defer ready.Close()
	_, err = ready.Write([]byte{1})
	return err
}
