package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// Call asks the program behind the socket at path to carry out op with args, and reads what it
// returns into result. args may be nil for none; result may be nil when it is of no interest.
//
// An *Error is what the other side said; any other error means that it was not asked or did not
// answer. ctx bounds the whole call.
func Call(ctx context.Context, path, op string, args, result any) error {
	r := Request{ID: 1, Op: op}
	if args != nil {
		text, err := json.Marshal(args)
		if err != nil {
			return fmt.Errorf("ask %s for %s: %w", path, op, err)
		}
		r.Args = text
	}
	a, err := Ask(ctx, path, r)
	if err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	if len(a.D) == 0 {
		return fmt.Errorf("ask %s for %s: the answer is empty", path, op)
	}
	if err := json.Unmarshal(a.D, result); err != nil {
		return fmt.Errorf("ask %s for %s: read the answer: %w", path, op, err)
	}
	return nil
}

// Ask sends one request and returns the answer to it. Errors are as those of Call.
func Ask(ctx context.Context, path string, r Request) (Answer, error) {
	c, _, a, err := open(ctx, path, r)
	if c != nil {
		c.Close()
	}
	return a, err
}

// open sends one request and reads the answer to it. The connection is nil when there is an error.
func open(ctx context.Context, path string, r Request) (net.Conn, *bufio.Reader, Answer, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, nil, Answer{}, told(ctx, path, r, explain(err))
	}
	in := bufio.NewReader(c)
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	a, err := ask(c, in, r)
	if !stop() && err == nil {
		err = context.Cause(ctx) // its deadline may still be set after this
	}
	if err != nil {
		c.Close()
		return nil, nil, a, told(ctx, path, r, err)
	}
	return c, in, a, nil
}

// told says of an error that the other side did not send whom was asked for what.
func told(ctx context.Context, path string, r Request, err error) error {
	if _, said := errors.AsType[*Error](err); said {
		return err
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx) // rather than the time-out of the socket it led to
	}
	return fmt.Errorf("ask %s for %s: %w", path, r.Op, err)
}

func ask(c net.Conn, in *bufio.Reader, r Request) (Answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return Answer{}, err
	}
	if len(line)+1 > MaxRequest {
		return Answer{}, fmt.Errorf("the request has %d bytes, the limit is %d", len(line)+1, MaxRequest)
	}

	// A server that is full answers before it is asked, and closes: its answer is worth more than
	// the error of the write.
	_, writeErr := c.Write(append(line, '\n'))
	text, err := readLine(in, MaxAnswer)
	if err != nil {
		if writeErr != nil {
			err = writeErr
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it closed the connection without an answer")
		}
		return Answer{}, err
	}

	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	switch {
	case !a.OK && a.Err == nil:
		return a, &Error{Code: CodeFailed, Msg: "it refused without a reason"}
	case !a.OK:
		return a, a.Err
	case a.ID != r.ID:
		return a, fmt.Errorf("the answer is to request %d, not %d", a.ID, r.ID)
	}
	return a, nil
}

// Absent tells whether an error of Call is that nobody runs there: there is no socket, or nobody listens on it.
func Absent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
}

// explain adds what an error of connect means to the person who reads it.
func explain(err error) error {
	switch {
	case Absent(err):
		return fmt.Errorf("the program is not running: %w", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("this user may not ask it: %w", err)
	}
	return err
}
