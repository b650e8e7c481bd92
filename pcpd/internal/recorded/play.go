package recorded

import (
	"bytes"
	"fmt"
	"net"
	"sync"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// Play is the server of a recorded conversation, for one client: it says what was said then, and wants to hear what was
// asked then, byte for byte. It closes the connection.
func Play(c net.Conn, wire []Message) error {
	defer c.Close()
	for _, m := range wire {
		if m.FromServer {
			if _, err := c.Write(frame.AppendRaw(nil, m.Type, m.Payload)); err != nil {
				return err
			}
			continue
		}
		f, err := frame.Read(c, frame.MaxReply)
		if err != nil {
			return fmt.Errorf("the client should ask %c %q: %w", m.Type, m.Payload, err)
		}
		if f.Type != m.Type || !bytes.Equal(f.Payload, m.Payload) {
			return fmt.Errorf("the client asks %c %q, wanted %c %q", f.Type, f.Payload, m.Type, m.Payload)
		}
	}
	return nil
}

// Relay passes on what a client and a server say to each other, until both have ended, and returns it. It closes both.
func Relay(client, server net.Conn) []Message {
	var mu sync.Mutex
	var wire []Message
	pass := func(from, to net.Conn) {
		defer to.Close() // the other direction ends too
		for {
			f, err := frame.Read(from, frame.MaxReply)
			if err != nil {
				return
			}
			mu.Lock()
			wire = append(wire, Message{from == server, f})
			mu.Unlock()
			if _, err := to.Write(frame.AppendRaw(nil, f.Type, f.Payload)); err != nil {
				return
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { pass(client, server) })
	wg.Go(func() { pass(server, client) })
	wg.Wait()
	return wire
}
