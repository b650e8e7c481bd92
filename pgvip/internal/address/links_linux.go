package address

import (
	"context"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Links calls up with the name of each interface whose link begins to work, until ctx ends.
func Links(ctx context.Context, up func(dev string)) error {
	updates := make(chan netlink.LinkUpdate, 16)
	done := make(chan struct{})
	var broken error
	err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{
		ListExisting:  true,
		ErrorCallback: func(err error) { broken = err }, // before updates is closed
	})
	if err != nil {
		close(done)
		return fmt.Errorf("watch the network interfaces: %w", err)
	}
	defer func() {
		close(done)
		for range updates { // until its goroutine has ended
		}
	}()
	running := map[int]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case u, ok := <-updates:
			if !ok {
				return fmt.Errorf("watch the network interfaces: %w", broken)
			}
			attrs := u.Attrs()
			was, known := running[attrs.Index]
			runs := u.Header.Type == unix.RTM_NEWLINK && attrs.Flags&net.FlagUp != 0 && attrs.RawFlags&unix.IFF_RUNNING != 0
			running[attrs.Index] = runs
			if runs && known && !was {
				up(attrs.Name)
			}
		}
	}
}
