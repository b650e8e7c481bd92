package neighbor

import (
	"net"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// ndWire speaks neighbor discovery from the interface's link-local address.
type ndWire struct {
	*ndp.Conn
	mac net.HardwareAddr
	ip  netip.Addr
}

// allNodes is every host on the link.
var allNodes = netip.IPv6LinkLocalAllNodes()

func openND(ifi *net.Interface, ip netip.Addr) (wire, error) {
	c, _, err := ndp.Listen(ifi, ndp.LinkLocal)
	if err != nil {
		return nil, err
	}
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(ipv6.ICMPTypeNeighborAdvertisement)
	if err := c.SetICMPFilter(&only); err != nil {
		c.Close()
		return nil, err
	}
	return &ndWire{c, ifi.HardwareAddr, ip}, nil
}

// ask sends a neighbor solicitation (RFC 4861, 4.3).
func (w *ndWire) ask() error {
	group, err := ndp.SolicitedNodeMulticast(w.ip)
	if err != nil {
		return err
	}
	m := &ndp.NeighborSolicitation{
		TargetAddress: w.ip,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: w.mac}},
	}
	return w.WriteTo(m, nil, group)
}

// tell sends an unsolicited neighbor advertisement that overrides what neighbours have in their cache (RFC 4861, 7.2.6).
func (w *ndWire) tell(mac net.HardwareAddr) error {
	m := &ndp.NeighborAdvertisement{
		Override:      true,
		TargetAddress: w.ip,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}
	return w.WriteTo(m, nil, allNodes)
}

// hear returns the sender of the next advertisement of the address.
func (w *ndWire) hear() (net.HardwareAddr, error) {
	for {
		m, _, _, err := w.ReadFrom()
		if err != nil {
			return nil, err
		}
		a, ok := m.(*ndp.NeighborAdvertisement)
		if !ok || a.TargetAddress != w.ip {
			continue
		}
		for _, o := range a.Options {
			if l, ok := o.(*ndp.LinkLayerAddress); ok && l.Direction == ndp.Target {
				return l.Addr, nil
			}
		}
	}
}
