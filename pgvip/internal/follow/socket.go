package follow

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
)

const (
	connectLimit = 2 * time.Second
	firstPause   = 50 * time.Millisecond // before it connects again
	maxPause     = time.Second
)

// Socket hands out the events of pgwatch's socket, and an Item with End whenever a connection ends, until ctx ends; then it
// closes the channel. dial connects.
func Socket(ctx context.Context, dial func(context.Context) (net.Conn, error), log *slog.Logger) <-chan Item {
	items := make(chan Item)
	go func() {
		defer close(items)
		pause, complained := firstPause, false
		for ctx.Err() == nil {
			met, err := once(ctx, dial, items)
			switch {
			case ctx.Err() != nil:
			case met:
				pause, complained = firstPause, false
				log.Info("the connection to pgwatch has ended", "err", err)
			case !complained:
				complained = true
				log.Warn("pgwatch cannot be followed; it is tried again and again", "err", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
				pause = min(2*pause, maxPause)
			}
		}
	}()
	return items
}

// once follows one connection to its end. met says whether there was any event.
func once(ctx context.Context, dial func(context.Context) (net.Conn, error), items chan<- Item) (met bool, err error) {
	within, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	c, err := dial(within)
	if err != nil {
		return false, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	in, err := begin(c)
	if err != nil {
		return false, err
	}
	read(in, func(i Item) bool {
		if i.End != nil && !met {
			err = i.End
			return false
		}
		met, err = true, i.End
		select {
		case items <- i:
			return true
		case <-ctx.Done():
			return false
		}
	})
	return met, err
}

// begin asks for the stream with the operation follow, and passes over the answer. A program that streams to whoever
// connects, without an answer, is understood too.
func begin(c net.Conn) (io.Reader, error) {
	c.SetDeadline(time.Now().Add(connectLimit))
	if _, err := io.WriteString(c, `{"id":1,"op":"follow"}`+"\n"); err != nil {
		return nil, fmt.Errorf("ask for the stream: %w", err)
	}
	in := bufio.NewReader(c)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("wait for the first line of the stream: %w", err)
	}
	c.SetDeadline(time.Time{})
	var first struct {
		Type string `json:"type"`
		control.Answer
	}
	if err := json.Unmarshal(line, &first); err != nil {
		return nil, fmt.Errorf("read the first line of the stream: %w", err)
	}
	switch {
	case first.Type != "":
		return io.MultiReader(bytes.NewReader(bytes.Clone(line)), in), nil
	case first.OK:
		return in, nil
	case first.Err != nil:
		return nil, first.Err
	}
	return nil, errors.New("the first line of the stream is neither an event nor an answer")
}
