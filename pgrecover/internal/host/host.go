// Package host runs programs where the files of a PostgreSQL server are: on this host, or on another one over SSH. It needs
// a POSIX shell, coreutils and util-linux (flock, setsid, setpriv) there, and PostgreSQL's own programs.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Host runs programs as the owner of a data directory. Its methods may be called from several goroutines.
type Host interface {
	// Name is what messages call it.
	Name() string
	// Run runs a program and returns when it has ended. Its error is an *Error when the program failed or ctx ended. A
	// program without Stdin ends with its caller: with ctx, and with this process or the connection to the host, too.
	Run(context.Context, Cmd) error
	// Close ends the connection.
	Close() error
}

// A Cmd is a program to run.
type Cmd struct {
	Args   []string  // program and arguments; no shell reads them
	Stdin  io.Reader // nil is no input
	Stdout io.Writer // nil discards what it prints
	Env    []string  // NAME=value, beside HOME, USER, PATH and LC_ALL=C. Other users of the host see them: no secrets.

	// Password is what libpq is to use, of a program without Stdin; "" leaves it to .pgpass. It comes on standard input: no
	// list of processes shows it, and no file has it.
	Password string
	// Progress is given each line of its standard error. True says that the line is no complaint: it is kept out of the
	// error, which has the end of what the program complained about. It may be nil.
	Progress func(line string) bool
}

// String writes the command as one could type it.
func (c Cmd) String() string {
	words := make([]string, 0, len(c.Env)+len(c.Args))
	for _, w := range c.Env {
		name, value, _ := strings.Cut(w, "=")
		words = append(words, name+"="+word(value))
	}
	for _, w := range c.Args {
		words = append(words, word(w))
	}
	return strings.Join(words, " ")
}

// An Error is a program that failed.
type Error struct {
	Host    string // its name
	Command string // as one could type it
	Status  int    // its exit status; -1 when there is none
	Said    string // the end of its complaints
	Err     error  // what the status does not say
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %v", e.Host, e.Command, e.Err)
	if e.Said != "" {
		text += ": " + e.Said
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Status returns the exit status of a program that failed, or -1 when the error is of another kind.
func Status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return -1
}

// Output runs a program and returns what it printed, without the newlines at its end.
func Output(ctx context.Context, h Host, args ...string) (string, error) {
	return printed(ctx, h, Cmd{Args: args})
}

// Ask runs a program that only looks and soon ends by itself, and returns what it printed likewise. Nothing watches over it, which
// would take three more processes: many of them on a busy host take longer than what is done with the answers.
func Ask(ctx context.Context, h Host, args ...string) (string, error) {
	return printed(ctx, h, Cmd{Args: args, Stdin: strings.NewReader("")})
}

func printed(ctx context.Context, h Host, cmd Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout = &out
	err := h.Run(ctx, cmd)
	return strings.TrimRight(out.String(), "\n"), err
}

// Shell makes a command of a shell script, whose $1, $2, ... are args.
func Shell(script string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", script, "sh"}, args...)
}
