package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asked runs a pcp that asks for a password and then finds no server.
func asked() *exec.Cmd {
	cmd := exec.Command("pcp", "node_count", "-W", "-U", "me", "-h", "/none")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // the terminal of the test is not its
	return cmd
}

func TestPromptWithoutTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"secret\n": "Password: ERROR: connection to socket",
		"secret":   "Password: ERROR: connection to socket",
		"":         "Password: pcp_node_count: error: read the password from standard input: EOF",
	} {
		cmd := asked()
		cmd.Stdin = strings.NewReader(in)
		if out, _ := cmd.CombinedOutput(); !strings.HasPrefix(string(out), want) {
			t.Errorf("with %q it says %q, wanted %q", in, out, want)
		}
	}
}

// What is typed is not shown.
func TestPromptOnTerminal(t *testing.T) {
	ptmx, tty := terminal(t)
	cmd := asked()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr.Setctty = true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ptmx.SetReadDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(ptmx)
	shown, err := in.ReadString(':')
	if err != nil || shown != "Password:" {
		t.Fatalf("it shows %q, %v", shown, err)
	}
	// What is typed before the echo is off is shown, as with any program.
	for end := time.Now().Add(time.Minute); echoes(t, tty) && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if _, err := ptmx.WriteString("secret\n"); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	tty.Close()
	var rest bytes.Buffer
	in.WriteTo(&rest) // until the terminal is closed, which is an error
	if s := rest.String(); strings.Contains(s, "secret") || !strings.Contains(s, "ERROR: connection to socket") {
		t.Errorf("it shows %q", s)
	}
}

// terminal makes a pseudo-terminal. The first file is the side of the person.
func terminal(t *testing.T) (ptmx, tty *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals: %v", err)
	}
	ptmx = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { ptmx.Close() })
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return ptmx, tty
}

func echoes(t *testing.T, tty *os.File) bool {
	termios, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return termios.Lflag&unix.ECHO != 0
}
