package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
)

// counting streams numbers until the client goes or the server closes.
func counting(ended chan<- error) Handler {
	return func(_ context.Context, _ Peer, r Request) (any, error) {
		if r.Op != "count" {
			return nil, Unknown(r.Op)
		}
		return Stream(func(_ context.Context, c net.Conn) error {
			for i := 0; ; i++ {
				if _, err := fmt.Fprintln(c, i); err != nil {
					ended <- err
					return err
				}
			}
		}), nil
	}
}

func TestFollow(t *testing.T) {
	ended := make(chan error, 2)
	s := serve(t, counting(ended))
	ctx, cancel := context.WithCancel(withPatience(t))
	stream, err := Follow(ctx, s.Path(), "count", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // it bounded the asking only
	in := bufio.NewScanner(stream)
	for i := range 1000 {
		if !in.Scan() || in.Text() != fmt.Sprint(i) {
			t.Fatalf("line %d is %q, %v", i, in.Text(), in.Err())
		}
	}
	stream.Close()
	if err := <-ended; err == nil {
		t.Error("it wrote on")
	}
	if _, err := Follow(withPatience(t), s.Path(), "what", nil); err == nil || err.(*Error).Code != CodeUnknownOp {
		t.Errorf("an unknown operation: %v", err)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	ended := make(chan error, 1)
	s := serve(t, counting(ended))
	stream, err := Follow(withPatience(t), s.Path(), "count", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	s.Close() // waits for the stream, which nobody reads
	<-ended
	if _, err := io.Copy(io.Discard, stream); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the rest: %v", err)
	}
}
