// Package server talks PCP with clients: it lets them log in, reads their requests one after the other, and sends what comes
// of them. Clients do not wait for each other.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/command"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// The most clients at a time. One address cannot keep all others out.
const (
	maxClients   = 128
	maxNeighbors = 16 // of one address
	maxRefusals  = 64 // being told that they are too many
)

// How long a client may take to read a reply, and to close after the last one.
const (
	writeTimeout = 30 * time.Second
	parting      = time.Second
)

// A Server serves PCP clients. The fields are set before Serve.
type Server struct {
	// Enter decides about a login, as door.Door does.
	Enter func(from, user, answer string, salt [frame.SaltSize]byte) error
	// Do carries out a request, as command.Commands does. It returns soon after ctx, which is Serve's, ends.
	Do func(ctx context.Context, from, user string, f frame.Frame) command.Reply
	// LoginTime is how long a client may take to log in.
	LoginTime func() time.Duration
	// LogClients tells whether clients that come and leave are logged.
	LogClients func() bool
	Log        *slog.Logger

	clients  places
	refusals places
}

// Serve lets clients in until ctx ends. Then idle clients are disconnected, requests that are being carried out are answered,
// and Serve returns. Each listener is closed.
func (s *Server) Serve(ctx context.Context, listeners []net.Listener) {
	s.clients = places{most: maxClients, each: maxNeighbors}
	s.refusals = places{most: maxRefusals, each: maxRefusals}
	var all sync.WaitGroup
	for _, l := range listeners {
		stop := context.AfterFunc(ctx, func() { l.Close() })
		defer stop()
		all.Go(func() { s.accept(ctx, l, &all) })
	}
	all.Wait()
}

func (s *Server) accept(ctx context.Context, l net.Listener, all *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of descriptors, say: it may pass, and spinning would not help.
			s.Log.Error("cannot accept a PCP client", "listener", l.Addr().String(), "err", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		from := origin(c)
		switch {
		case s.clients.take(from):
			all.Go(func() {
				defer s.clients.leave(from)
				s.serve(ctx, c, from)
			})
		case s.refusals.take(from):
			all.Go(func() {
				defer s.refusals.leave(from)
				s.Log.Warn("too many PCP clients", "client", from, "limit", maxClients, "limit_of_one_address", maxNeighbors)
				part(c, fatal("sorry, too many PCP clients already", fmt.Sprintf("at a time there may be %d, and %d of one address", maxClients, maxNeighbors)))
			})
		default:
			c.Close()
		}
	}
}

func fatal(message, detail string) []byte {
	return frame.AppendProblem(nil, frame.ErrorReply, frame.Problem{Severity: frame.Fatal, Message: message, Detail: detail})
}

// part sends a last word, if there is one, and closes. What the client still sends is read, because a system that closes with
// something unread resets the connection, and the client may lose that word. Nor shall it meet a closed connection when it
// takes its leave: Pgpool-II's programs die of that before they print what they were told.
func part(c net.Conn, word []byte) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(parting))
	if _, err := c.Write(word); err != nil {
		return
	}
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	var waste [512]byte
	for {
		if _, err := c.Read(waste[:]); err != nil {
			return
		}
	}
}
