package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"
)

const (
	maxClients   = 128              // connections at a time
	writeTimeout = 10 * time.Second // for one answer; a client that does not read is let go
)

// A Handler carries out one request. What it returns becomes the member d of the answer; an *Error
// goes out as it is, another error under CodeFailed. It must return soon after ctx ends, which is
// when the server closes. Handlers of different clients run at the same time.
type Handler func(ctx context.Context, from Peer, r Request) (any, error)

// A Server answers on one socket.
type Server struct {
	listener *net.UnixListener
	path     string
	made     fs.FileInfo // the socket as it was made, to know it again

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu    sync.Mutex
	conns map[*net.UnixConn]bool // true while a request is carried out
}

func newServer(l *net.UnixListener, path string, made fs.FileInfo) *Server {
	s := &Server{listener: l, path: path, made: made, conns: make(map[*net.UnixConn]bool)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Path returns the name of the socket.
func (s *Server) Path() string { return s.path }

// Serve answers requests with h until ctx ends or Close is called, and then returns nil when all
// handlers have returned. It is called once.
func (s *Server) Serve(ctx context.Context, h Handler) error {
	defer context.AfterFunc(ctx, func() { s.stop() })()
	for {
		c, err := s.listener.AcceptUnix()
		if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if c != nil {
				c.Close()
			}
			return s.Close()
		}
		if err != nil {
			// Out of descriptors or memory: clients that leave give some back.
			sleep(s.ctx, 100*time.Millisecond)
			continue
		}
		s.start(c, h)
	}
}

// sleep waits, but not beyond the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// start serves one client, or turns it away when there are too many.
func (s *Server) start(c *net.UnixConn, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		c.Close()
		return
	}
	if len(s.conns) >= maxClients {
		write(c, Answer{Err: &Error{Code: CodeBusy, Msg: fmt.Sprintf("%d clients ask already", maxClients)}}, time.Second)
		c.Close()
		return
	}
	s.conns[c] = false
	s.wait.Go(func() {
		s.converse(c, h)
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	})
}

// begin notes that a request of c is carried out; it is false when the server closes.
func (s *Server) begin(c *net.UnixConn) bool { return s.mark(c, true) }

// end notes that it was answered; it is false when the server closes.
func (s *Server) end(c *net.UnixConn) bool { return s.mark(c, false) }

func (s *Server) mark(c *net.UnixConn, busy bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = busy
	return s.ctx.Err() == nil
}

// Close removes the socket, lets the requests that are being carried out be answered, and waits for
// all goroutines. It may be called more than once.
func (s *Server) Close() error {
	err := s.stop()
	s.wait.Wait()
	return err
}

// stop ends the server without waiting. The socket is removed when it is still the one that Listen made:
// another program may have taken the name meanwhile.
func (s *Server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil
	}
	s.cancel()
	var err error
	if now, statErr := os.Lstat(s.path); statErr == nil && os.SameFile(now, s.made) {
		err = os.Remove(s.path)
	}
	s.listener.Close()
	for c, busy := range s.conns {
		if !busy {
			c.Close()
		}
	}
	return err
}
