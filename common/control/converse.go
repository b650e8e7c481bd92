package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// converse answers one client, request by request.
func (s *Server) converse(c *net.UnixConn, h Handler) {
	peer, err := PeerOf(c)
	if err != nil {
		write(c, Answer{Err: &Error{Code: CodeDenied, Msg: "it is not known who asks: " + err.Error()}}, writeTimeout)
		return
	}
	in := bufio.NewReader(c)
	for {
		line, err := readLine(in, MaxRequest)
		if errors.Is(err, errTooLong) {
			write(c, Answer{Err: &Error{Code: CodeBadRequest, Msg: err.Error()}}, writeTimeout)
		}
		if err != nil || !s.begin(c) {
			return
		}
		a, stream := s.answer(line, peer, h)
		err = write(c, a, writeTimeout)
		if !s.end(c) || err != nil {
			return
		}
		if stream != nil {
			c.SetWriteDeadline(time.Time{})
			stream(s.ctx, c)
			return
		}
	}
}

// answer carries out one line. The Stream is nil when there is nothing behind the answer.
func (s *Server) answer(line []byte, peer Peer, h Handler) (Answer, Stream) {
	r, err := parseRequest(line)
	if err != nil {
		return Answer{ID: r.ID, Err: &Error{Code: CodeBadRequest, Msg: err.Error()}}, nil
	}
	d, err := h(s.ctx, peer, r)
	if err != nil {
		return Answer{ID: r.ID, Err: asError(err)}, nil
	}
	a := Answer{ID: r.ID, OK: true}
	if stream, ok := d.(Stream); ok {
		return a, stream
	}
	if v, ok := d.(Revised); ok {
		a.Rev, d = &v.Rev, v.D
	}
	if d == nil {
		return a, nil
	}
	if a.D, err = json.Marshal(d); err != nil {
		return Answer{ID: r.ID, Err: &Error{Code: CodeFailed, Msg: fmt.Sprintf("write the answer to %s: %v", r.Op, err)}}, nil
	}
	if len(a.D) > MaxAnswer-1024 {
		return Answer{ID: r.ID, Err: &Error{Code: CodeFailed, Msg: fmt.Sprintf("the answer to %s has more than %d bytes", r.Op, MaxAnswer)}}, nil
	}
	return a, nil
}

// Revised is what a Handler returns to say which state of the cluster D reflects.
type Revised struct {
	Rev Revision
	D   any
}

// write sends one line.
func write(c *net.UnixConn, a Answer, within time.Duration) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	c.SetWriteDeadline(time.Now().Add(within))
	_, err = c.Write(append(line, '\n'))
	return err
}
