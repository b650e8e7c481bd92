package tool

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// OnHangup calls f at each SIGHUP from now on until ctx ends, in a goroutine of wg. Without it, SIGHUP ends a process.
func OnHangup(ctx context.Context, wg *sync.WaitGroup, f func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	wg.Go(func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				f()
			}
		}
	})
}
