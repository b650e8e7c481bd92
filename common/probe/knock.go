package probe

import (
	"bytes"
	"context"
	"fmt"
)

// A Knocker finds out whether somebody answers at an address, without logging in: it asks whether the server would encrypt
// by GSSAPI, and hangs up. Unlike a mere connection, which the kernel makes, that needs a process of the server to run.
//
// It leaves no line in the server's log. To ask for TLS would: a server that is ready for it and hears no more complains
// of a handshake that was broken off. Only servers before version 12, which know no GSSENCRequest and log the first, are
// asked for TLS from then on.
//
// One goroutine at a time may use it.
type Knocker struct {
	Login            Login // of which only the limits and the Dialer count
	Network, Address string

	old bool // the server does not know a GSSENCRequest
}

// gssRequest is the message GSSENCRequest in PostgreSQL's chapter "Message Formats".
var gssRequest = []byte{0, 0, 0, 8, 4, 210, 22, 48}

// Knock knocks once. Any answer is one, also an error.
func (k *Knocker) Knock(ctx context.Context) error {
	ctx, cancel := within(ctx, k.Login.Limit)
	defer cancel()
	if err := k.knock(ctx); err != nil {
		k.old = false // it may come back as a newer one
		return fmt.Errorf("knock at %s: %w", k.Address, cause(err))
	}
	return nil
}

func (k *Knocker) knock(ctx context.Context) error {
	c, err := k.Login.dial(ctx, k.Network, k.Address)
	if err != nil {
		return err
	}
	defer c.Close()
	request := gssRequest
	if k.old {
		request = sslRequest
	}
	answer := make([]byte, 1024)
	n, err := ask(ctx, c, request, answer)
	// SQLSTATE 0A000, feature not supported: of the protocol, as it was asked for nothing else.
	if bytes.Contains(answer[:n], []byte("C0A000\x00")) {
		k.old = true
	}
	return err
}
