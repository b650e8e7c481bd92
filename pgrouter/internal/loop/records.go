package loop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// A Shim stands between crypto/tls and a socket. During the handshake it passes through to the real
// connection, on an ordinary goroutine; afterwards the loop gives it received bytes and takes its output
// from memory, so that TLS needs no goroutine and no blocking read.
type Shim struct {
	net.Conn        // the real connection, until the loop takes over
	in       []byte // ciphertext received and not yet opened
	out      []byte // ciphertext to be sent
	memory   bool

	// Where the received stream stands between TLS records (RFC 8446, 5.1). Asking crypto/tls for more when there
	// is none costs about as much as opening a short record, so the loop wants to know.
	header [5]byte
	have   int // bytes of header that are there
	left   int // bytes of the record still to come
	whole  int // records received and, as far as is known, not opened
}

// see follows received ciphertext.
func (s *Shim) see(b []byte) {
	for len(b) > 0 {
		if s.left == 0 {
			n := copy(s.header[s.have:], b)
			s.have += n
			b = b[n:]
			if s.have < len(s.header) {
				return
			}
			s.have = 0
			s.left = int(s.header[3])<<8 | int(s.header[4])
		}
		n := min(s.left, len(b))
		s.left -= n
		b = b[n:]
		if s.left == 0 {
			s.whole++
		}
	}
}

// NewShim wraps a connection before tls.Server is put on top.
func NewShim(nc net.Conn) *Shim { return &Shim{Conn: nc} }

// errMore is a temporary error: crypto/tls keeps the partial record and may be asked again.
type errMore struct{}

func (errMore) Error() string   { return "more ciphertext is needed" }
func (errMore) Timeout() bool   { return true }
func (errMore) Temporary() bool { return true }

// Read implements net.Conn for crypto/tls.
func (s *Shim) Read(p []byte) (int, error) {
	if !s.memory {
		n, err := s.Conn.Read(p)
		s.see(p[:n])
		return n, err
	}
	if len(s.in) == 0 {
		return 0, errMore{}
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

// Write implements net.Conn for crypto/tls; in memory it never fails, because a failed TLS write is final.
func (s *Shim) Write(p []byte) (int, error) {
	if !s.memory {
		return s.Conn.Write(p)
	}
	s.out = append(s.out, p...)
	return len(p), nil
}

// SetWriteDeadline implements net.Conn for crypto/tls, which sets one for close_notify. Memory needs none.
func (s *Shim) SetWriteDeadline(t time.Time) error {
	if s.memory {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// records is the TLS side of a Conn.
type records struct {
	conn *tls.Conn
	shim *Shim
	kept []byte // ciphertext left over while the handler is paused
}

func newRecords(l *Loop, conn *tls.Conn) *records {
	if l.plain == nil {
		l.plain = make([]byte, bufferSize)
	}
	shim := conn.NetConn().(*Shim)
	shim.memory = true
	return &records{conn: conn, shim: shim}
}

// open decrypts b and hands the plain text on, as long as the handler wants it.
func (r *records) open(c *Conn, b []byte) {
	r.shim.see(b)
	if len(r.kept) > 0 {
		r.kept = append(r.kept, b...)
		r.shim.in = r.kept
	} else {
		r.shim.in = b
	}
	if len(c.in) > 0 && !c.paused {
		c.hand(nil)
	}
	for !c.closed && !c.paused {
		n, err := r.conn.Read(c.l.plain)
		if n > 0 {
			c.hand(c.l.plain[:n])
		}
		if err != nil {
			if _, more := err.(errMore); !more {
				if errors.Is(err, io.EOF) {
					err = io.EOF
				}
				c.fail(err)
				return
			}
			r.shim.whole = 0 // what is left is the beginning of a record
			break
		}
		// At least one record has been opened; records without data may have been opened with it.
		if r.shim.whole--; r.shim.whole <= 0 && n < len(c.l.plain) {
			break
		}
	}
	if c.closed {
		return
	}
	r.kept = append(r.kept[:0], r.shim.in...)
	if len(r.kept) == 0 {
		r.kept = nil
	}
	r.shim.in = nil
	r.flush(c) // answers of TLS itself, such as a key update
}

func (r *records) send(c *Conn, b []byte) bool {
	if r.shim.out == nil {
		r.shim.out = c.l.sealed[:0]
	}
	if _, err := r.conn.Write(b); err != nil {
		c.fail(err)
		return false
	}
	return r.flush(c)
}

func (r *records) flush(c *Conn) bool {
	out := r.shim.out
	r.shim.out = nil
	if len(out) == 0 {
		return false
	}
	waits := c.sendRaw(out)
	if cap(out) <= 4*bufferSize {
		c.l.sealed = out[:0]
	}
	return waits
}

// farewell tells the peer that nothing follows, so that it can tell the end from a cut (RFC 8446, 6.1), or what was wrong
// with its last record. It never waits: behind output that the peer does not take it would not be understood.
func (r *records) farewell(c *Conn) {
	if c.mute || len(c.out) > 0 {
		return
	}
	r.conn.CloseWrite()
	writeNow(int(c.fd), r.shim.out)
	r.shim.out = nil
}
