package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/pgcrew/pgcrew/common/sockets"
	"github.com/pgcrew/pgcrew/pcpd/internal/client"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
	"github.com/pgcrew/pgcrew/pcpd/internal/pcppass"
	"github.com/pgcrew/pgcrew/pcpd/internal/render"
)

// defaultSockets are where the server's Unix socket is looked for: Debian's configuration puts it in the first, Pgpool-II's
// own in the second.
var defaultSockets = []string{"/var/run/postgresql", "/tmp"}

// shell is what all commands have.
type shell struct {
	world
	*cli
	name string // such as pcp_node_info
}

// printer prints answers.
func (s *shell) printer() *render.Printer {
	return &render.Printer{W: s.out, Program: s.name, Zone: s.zone, Verbose: s.Verbose, JSON: s.JSON}
}

// with logs in and calls f.
func (s *shell) with(f func(c *client.Conn, p *render.Printer) error) error {
	name, err := s.username()
	if err != nil {
		return err
	}
	password, err := s.password(name)
	if err != nil {
		return err
	}
	n, err := s.connect()
	if err != nil {
		return err
	}
	defer n.Close()
	c, err := client.Login(n, name, password, s.trace())
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c, s.printer())
}

// order is with for a command that answers nothing but that it was done.
func (s *shell) order(f func(c *client.Conn) error) error {
	return s.with(func(c *client.Conn, p *render.Printer) error {
		if err := f(c); err != nil {
			return err
		}
		return p.Done()
	})
}

func (s *shell) username() (string, error) {
	switch {
	case s.Username != "":
		return s.Username, nil
	case s.account == nil:
		return "", errors.New("the system does not know who you are: say the user with -U")
	}
	return s.account.Username, nil
}

// password looks where Pgpool-II's programs look. These ask on the terminal even with -w; a script that says -w is better
// served by an error.
func (s *shell) password(name string) (string, error) {
	if !s.Password {
		home := ""
		if s.account != nil {
			home = s.account.HomeDir
		}
		found, err := pcppass.Find(s.getenv, home, pcppass.Where{Host: s.Host, Sockets: s.sockets, Port: s.Port, User: name})
		for _, warning := range found.Warnings {
			fmt.Fprintf(s.err, "%s: warning: %s\n", s.name, warning)
		}
		if err != nil || found.OK {
			return found.Password, err
		}
		if s.NoPassword {
			return "", fmt.Errorf("no password for user %q in %s, and -w forbids to ask for one", name, found.Path)
		}
	}
	return s.prompt("Password: ")
}

// connectError is told in the words of Pgpool-II's programs.
type connectError struct {
	what string // host or socket
	name string
	err  error
}

// Error implements error.
func (e *connectError) Error() string {
	why := e.err.Error()
	if errno, ok := errors.AsType[syscall.Errno](e.err); ok {
		why = errno.Error()
	}
	return fmt.Sprintf("ERROR: connection to %s \"%s\" failed with error \"%s\"", e.what, e.name, strings.ToUpper(why[:1])+why[1:])
}

// Unwrap returns the cause.
func (e *connectError) Unwrap() error { return e.err }

// connect goes to the host, or to the first folder that has a socket.
func (s *shell) connect() (net.Conn, error) {
	if s.Host != "" && s.Host[0] != '/' {
		c, err := net.Dial("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
		if err != nil {
			return nil, &connectError{"host", s.Host, err}
		}
		return c, nil
	}
	folders := s.sockets
	if s.Host != "" {
		folders = []string{s.Host}
	}
	var failed error
	for _, folder := range folders {
		name := sockets.File(folder, s.Port)
		c, err := net.Dial("unix", name)
		if err == nil {
			return c, nil
		}
		// A socket at which nobody listens says more than a folder without one.
		if failed == nil || errors.Is(failed, fs.ErrNotExist) {
			failed = &connectError{"socket", name, err}
		}
	}
	return nil, failed
}

// trace prints messages as Pgpool-II's programs do with -d, but for the password's answer.
func (s *shell) trace() client.Trace {
	if !s.Debug {
		return nil
	}
	return func(sent bool, f frame.Frame) {
		way := "recv"
		if sent {
			way = "send"
		}
		fmt.Fprintf(s.err, "DEBUG: %s: tos=\"%c\", len=%d\n", way, f.Type, 4+len(f.Payload))
		if f.Type == frame.NoticeReply && !sent {
			if p, err := frame.ParseProblem(f.Payload); err == nil {
				fmt.Fprintf(s.err, "%s\n", (&client.Refusal{Problem: p}).Error())
			}
		}
	}
}
