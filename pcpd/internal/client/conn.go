// Package client asks a PCP server, Pgpool-II's or pcpd, as Pgpool-II's pcp_ programs do.
//
// The reply to a request has not the same fields in all versions of Pgpool-II, and nothing on the wire says which version
// answers. What is read here is told apart by its shape.
package client

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Layout is a version of Pgpool-II whose form a reply or a request has.
type Layout string

// The layouts that differ from each other. V43 is also that of 4.4, and V48 that of 4.5 to 4.7 where they have the field.
const (
	V42 Layout = "4.2"
	V43 Layout = "4.3"
	V48 Layout = "4.8"
)

// A Trace is told each message after it was sent or when it has come.
type Trace func(sent bool, f frame.Frame)

// A Conn is a connection to a server that let the user in. It is for one goroutine.
//
// The error of a request is a *Refusal when the server has answered with one; any other means that what it did is not
// known, and that the connection is of no more use.
type Conn struct {
	out   io.Writer
	in    *bufio.Reader
	trace Trace
}

// A Refusal is an error message of the server.
type Refusal struct{ frame.Problem }

// Error implements error, in the words of Pgpool-II's programs.
func (r *Refusal) Error() string {
	text := r.Severity + ":  " + r.Message
	if r.Detail != "" {
		text += "\nDETAIL:  " + r.Detail
	}
	return text
}

// Login proves to the server behind rw that the user knows the password. trace may be nil. The caller closes rw.
func Login(rw io.ReadWriter, user, password string, trace Trace) (*Conn, error) {
	if trace == nil {
		trace = func(bool, frame.Frame) {}
	}
	c := &Conn{out: rw, in: bufio.NewReader(rw), trace: trace}
	if err := c.send(frame.Salt, nil); err != nil {
		return nil, err
	}
	random, err := c.receive(frame.SaltReply)
	if err != nil {
		return nil, err
	}
	if len(random) != frame.SaltSize {
		return nil, fmt.Errorf("log in: the salt has %d bytes, not %d", len(random), frame.SaltSize)
	}
	answer := frame.Answer(user, passwd.HashPCP(password), [frame.SaltSize]byte(random))
	if err := c.sendTexts(frame.Login, user, answer); err != nil {
		return nil, err
	}
	said, err := c.receiveTexts(frame.LoginReply)
	if err != nil {
		return nil, err
	}
	if len(said) == 0 || said[0] != frame.Authenticated {
		return nil, fmt.Errorf("log in: the server said %q", said)
	}
	return c, nil
}

// Close says goodbye. Whether the server hears it does not matter.
func (c *Conn) Close() { c.send(frame.Exit, nil) }

// send sends a request with a payload as it is.
func (c *Conn) send(kind byte, payload []byte) error {
	if len(payload) > frame.MaxRequest {
		return fmt.Errorf("the request %q has %d bytes, the limit is %d", kind, len(payload), frame.MaxRequest)
	}
	if _, err := c.out.Write(frame.AppendRaw(nil, kind, payload)); err != nil {
		return fmt.Errorf("send data to the server: %w", err)
	}
	c.trace(true, frame.Frame{Type: kind, Payload: payload})
	return nil
}

// sendTexts sends a request whose payload is texts.
func (c *Conn) sendTexts(kind byte, texts ...string) error {
	return c.send(kind, frame.Payload(texts...))
}

// receive reads the next reply, which must be of that kind. Notices before it are only traced.
func (c *Conn) receive(kind byte) ([]byte, error) {
	for {
		f, err := frame.Read(c.in, frame.MaxReply)
		if err != nil {
			return nil, fmt.Errorf("read data from the server: %w", err)
		}
		c.trace(false, f)
		switch {
		case f.Type == frame.ErrorReply:
			p, err := frame.ParseProblem(f.Payload)
			if err != nil {
				return nil, err
			}
			return nil, &Refusal{p}
		case f.Type == kind:
			return f.Payload, nil
		case f.Type != frame.NoticeReply:
			return nil, fmt.Errorf("the server answers with a message %q, not %q", f.Type, kind)
		}
	}
}

// receiveTexts is receive for a payload that is all texts.
func (c *Conn) receiveTexts(kind byte) ([]string, error) {
	payload, err := c.receive(kind)
	if err != nil {
		return nil, err
	}
	return frame.Texts(payload)
}

// complete reads a reply that is one message, and returns what follows its first text.
func (c *Conn) complete(kind byte) ([]string, error) {
	texts, err := c.receiveTexts(kind)
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 || texts[0] != frame.Complete {
		return nil, fmt.Errorf("the server answers %q, not %s", texts, frame.Complete)
	}
	return texts[1:], nil
}

// items reads a reply of many messages: each that begins with the text item is handed to f without it. Of a reply of one
// message alone it returns the texts, and calls f not at all.
func (c *Conn) items(kind byte, item string, f func(texts []string) error) ([]string, error) {
	for {
		payload, err := c.receive(kind)
		if err != nil {
			return nil, err
		}
		if isSize(payload) {
			continue // what comes is counted by its end
		}
		texts, err := frame.Texts(payload)
		switch {
		case err != nil:
			return nil, err
		case len(texts) > 0 && texts[0] == frame.Complete:
			return texts[1:], nil
		case len(texts) == 0 || texts[0] != item:
			return nil, fmt.Errorf("the server answers %q, not %s", texts, item)
		}
		if err := f(texts[1:]); err != nil {
			return nil, err
		}
	}
}

// isSize says whether a message only announces how many follow. The number of some is text, of others four bytes.
func isSize(payload []byte) bool {
	return bytes.HasPrefix(payload, frame.Payload(frame.ArraySize))
}
