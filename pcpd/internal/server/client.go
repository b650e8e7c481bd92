package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/door"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// client is one connection.
type client struct {
	*Server
	conn net.Conn
	from string
	user string // "" before the login
	salt *[frame.SaltSize]byte
}

// serve serves one client until it leaves, must leave, or ctx ends.
func (s *Server) serve(ctx context.Context, conn net.Conn, from string) {
	c := &client{Server: s, conn: conn, from: from}
	if s.LogClients() {
		s.Log.Info("PCP client came", "client", from)
		defer func() { s.Log.Info("PCP client left", "client", from, "user", c.user) }()
	}
	// The end of ctx ends the waiting for a request, and soon that for a client that does not read.
	hurried := make(chan struct{})
	calm := context.AfterFunc(ctx, func() {
		defer close(hurried)
		conn.SetReadDeadline(time.Unix(1, 0))
		conn.SetWriteDeadline(time.Now().Add(parting))
	})
	conn.SetDeadline(time.Now().Add(s.LoginTime()))
	if ctx.Err() != nil {
		conn.Close() // ended before that deadline was set
		return
	}
	word := c.converse(ctx)
	if !calm() {
		<-hurried // its deadlines shall not replace those of the parting
	}
	if word != nil || ctx.Err() != nil {
		part(conn, word)
	}
	conn.Close()
}

// converse reads and answers requests. It returns the last word, or nil.
func (c *client) converse(ctx context.Context) []byte {
	in := bufio.NewReader(c.conn)
	for {
		f, err := frame.Read(in, frame.MaxRequest)
		if long := new(frame.LengthError); errors.As(err, &long) {
			return fatal("invalid PCP packet", long.Error())
		}
		if err != nil || f.Type == frame.Exit || ctx.Err() != nil {
			return nil
		}
		var out []byte
		then := func() {}
		switch {
		case f.Type == frame.Salt:
			out = c.offer()
		case f.Type == frame.Login:
			if err := c.login(f.Payload); err != nil {
				return refused(err)
			}
			// From now on it may take its time.
			if c.conn.SetDeadline(time.Time{}); ctx.Err() != nil {
				return nil
			}
			out = frame.Append(nil, frame.LoginReply, frame.Authenticated)
		case c.user == "":
			return fatal("authentication failed for new PCP connection", "connection not authorized")
		default:
			r := c.Do(ctx, c.from, c.user, f)
			if r.Close {
				return r.Bytes
			}
			out = r.Bytes
			if r.Then != nil {
				then = r.Then
			}
		}
		if c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); ctx.Err() != nil {
			c.conn.SetWriteDeadline(time.Now().Add(parting))
		}
		_, err = c.conn.Write(out)
		then()
		if err != nil {
			return nil
		}
	}
}

// offer makes a salt, which serves for one try.
func (c *client) offer() []byte {
	c.salt = new([frame.SaltSize]byte)
	rand.Read(c.salt[:]) // it never fails
	return frame.AppendRaw(nil, frame.SaltReply, c.salt[:])
}

func (c *client) login(payload []byte) error {
	texts, err := frame.Texts(payload)
	switch {
	case err != nil || len(texts) != 2:
		return errors.New("the message is not a user and an answer, each ended by a zero byte")
	case c.salt == nil:
		return errors.New("the client has not asked for a salt")
	}
	salt := *c.salt
	c.salt = nil
	if err := c.Enter(c.from, texts[0], texts[1], salt); err != nil {
		return err
	}
	c.user = texts[0]
	return nil
}

// refused is the last word to one who may not come in.
func refused(err error) []byte {
	if r := new(door.Refusal); errors.As(err, &r) {
		return fatal(fmt.Sprintf("authentication failed for user %q", r.User), r.Detail)
	}
	return fatal("authentication failed", err.Error())
}
