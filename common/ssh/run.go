package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// An ExitError is a command that ended with another status than 0.
type ExitError struct {
	Status int    // -1 when a signal ended it
	Signal string // such as TERM; "" when none did
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "ended by SIG" + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Status)
}

// ExitStatus returns Status.
func (e *ExitError) ExitStatus() int { return e.Status }

// mercy is how long a command may go on after its input has ended with ctx.
const mercy = 10 * time.Second

// Input is what a command reads.
type Input struct {
	Text io.Reader // a short one, when Hold is set
	Hold bool      // it does not end with Text, but with ctx or the connection: that tells the command to end
}

// Run gives a line to the user's shell there, and returns when it has ended.
func (c *Client) Run(ctx context.Context, line string, in Input, stdout, stderr io.Writer) error {
	session, err := c.client.NewSession()
	if err != nil {
		return fmt.Errorf("the connection to %s is lost: %w", c.name, err)
	}
	defer session.Close()
	session.Stdout, session.Stderr = stdout, stderr
	pipe, err := session.StdinPipe()
	if err != nil {
		return err
	}
	if err := session.Start(line); err != nil {
		return fmt.Errorf("start a command on %s: %w", c.name, err)
	}
	over, fed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fed)
		defer pipe.Close()
		io.Copy(pipe, in.Text) // a command that does not read it all has its reasons, and its status tells them
		if in.Hold {
			select {
			case <-ctx.Done():
			case <-over:
			}
		}
	}()
	defer func() { close(over); <-fed }()
	// One that ignores the end of its input would hold us for ever.
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		select {
		case err = <-ended:
		case <-time.After(mercy):
			c.client.Close()
			<-ended
			return context.Cause(ctx)
		}
	}
	var exit *ssh.ExitError
	var lost *ssh.ExitMissingError
	switch {
	case errors.As(err, &exit) && exit.Signal() != "":
		return &ExitError{-1, exit.Signal()}
	case errors.As(err, &exit):
		return &ExitError{exit.ExitStatus(), ""}
	case errors.As(err, &lost):
		return fmt.Errorf("the connection to %s is lost: %w", c.name, err)
	}
	return err
}
