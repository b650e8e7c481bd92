package follow

import (
	"context"
	"io"
	"log/slog"
	"time"
)

const (
	connectLimit = 2 * time.Second
	firstPause   = 50 * time.Millisecond // before it connects again
	maxPause     = time.Second
)

// Socket hands out the events of pgwatch's socket, and an Item with End whenever a connection ends, until ctx ends; then it
// closes the channel. open opens the stream.
func Socket(ctx context.Context, open func(context.Context) (io.ReadCloser, error), log *slog.Logger) <-chan Item {
	items := make(chan Item)
	go func() {
		defer close(items)
		pause, complained := firstPause, false
		for ctx.Err() == nil {
			met, err := once(ctx, open, items)
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
func once(ctx context.Context, open func(context.Context) (io.ReadCloser, error), items chan<- Item) (met bool, err error) {
	within, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	c, err := open(within)
	if err != nil {
		return false, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	read(c, func(i Item) bool {
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
