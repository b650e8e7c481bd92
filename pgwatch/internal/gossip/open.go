package gossip

import (
	"context"
	"fmt"
	"log"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/pgcrew/pgcrew/pgwatch/internal/link"
)

// label keeps the talk apart from that of other programs that use memberlist.
const label = "pgcrew"

// open begins to listen. The times are much shorter than those that wd_heartbeat_keepalive and wd_heartbeat_deadtime
// allow: three nodes on a LAN miss one of them within a second.
func (g *Gossip) open(ctx context.Context) (*memberlist.Memberlist, error) {
	listen, err := g.addresses()
	if err != nil {
		return nil, err
	}
	advertise, port, err := g.advertise(ctx)
	if err != nil {
		return nil, err
	}
	c := memberlist.DefaultLANConfig()
	c.Name = strconv.Itoa(int(g.Self))
	c.Label = label
	c.Logger = log.New(logger{g}, "", 0)
	c.AdvertiseAddr, c.AdvertisePort = advertise, port
	c.BindAddr, c.BindPort = listen[0], g.Port
	c.ProbeInterval, c.ProbeTimeout = 200*time.Millisecond, 100*time.Millisecond
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = 2, 2
	c.GossipInterval, c.IndirectChecks = 50*time.Millisecond, 2
	c.TCPTimeout = 2 * time.Second
	c.DeadNodeReclaimTime = forget
	c.Events, c.Delegate, c.Alive, c.Conflict = events{g}, delegate{g}, events{g}, events{g}
	if g.Key != "" {
		key, err := link.Derive(g.Key, "gossip aes-256-gcm 1", 32)
		if err != nil {
			return nil, err
		}
		if c.Keyring, err = memberlist.NewKeyring(nil, key); err != nil {
			return nil, err
		}
	}
	t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: listen, BindPort: g.Port, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	c.Transport = t
	list, err := memberlist.Create(c)
	if err != nil {
		t.Shutdown()
		return nil, fmt.Errorf("advertise %s port %d: %w", advertise, port, err)
	}
	return list, nil
}
