package neighbor

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
)

// arpWire speaks ARP. arp.Client is not used because it refuses an interface without an address of its own.
type arpWire struct {
	*packet.Conn
	mac net.HardwareAddr // of the interface when it was opened
	ip  netip.Addr
}

func openARP(ifi *net.Interface, ip netip.Addr) (wire, error) {
	c, err := packet.Listen(ifi, packet.Raw, int(ethernet.EtherTypeARP), nil)
	if err != nil {
		return nil, err
	}
	return &arpWire{c, ifi.HardwareAddr, ip}, nil
}

// unknown stands for a MAC that is asked for.
var unknown = make(net.HardwareAddr, 6)

// ask sends an ARP probe: a request from 0.0.0.0, which changes nobody's table (RFC 5227, 2.1.1).
func (w *arpWire) ask() error {
	return w.send(arp.OperationRequest, w.mac, netip.IPv4Unspecified(), unknown)
}

// tell sends gratuitous ARP as a request and as a reply, because some devices obey only one of them.
func (w *arpWire) tell(mac net.HardwareAddr) error {
	if err := w.send(arp.OperationRequest, mac, w.ip, unknown); err != nil {
		return err
	}
	return w.send(arp.OperationReply, mac, w.ip, ethernet.Broadcast)
}

func (w *arpWire) send(op arp.Operation, from net.HardwareAddr, sender netip.Addr, target net.HardwareAddr) error {
	p, err := arp.NewPacket(op, from, sender, target, w.ip)
	if err != nil {
		return err
	}
	body, err := p.MarshalBinary()
	if err != nil {
		return err
	}
	f := ethernet.Frame{Destination: ethernet.Broadcast, Source: from, EtherType: ethernet.EtherTypeARP, Payload: body}
	frame, err := f.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = w.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast})
	return err
}

// hear returns the sender of the next packet that has the address as its sender: an answer to a probe, or an
// announcement.
func (w *arpWire) hear() (net.HardwareAddr, error) {
	buf := make([]byte, 256)
	for {
		n, _, err := w.ReadFrom(buf)
		if err != nil {
			return nil, err
		}
		if p, err := parseARP(buf[:n]); err == nil && p.SenderIP == w.ip {
			return p.SenderHardwareAddr, nil
		}
	}
}

// parseARP reads a frame with an ARP packet for Ethernet and IPv4.
func parseARP(frame []byte) (*arp.Packet, error) {
	var f ethernet.Frame
	if err := f.UnmarshalBinary(frame); err != nil {
		return nil, err
	}
	if f.EtherType != ethernet.EtherTypeARP {
		return nil, fmt.Errorf("EtherType %#x is not ARP", uint16(f.EtherType))
	}
	var p arp.Packet
	if err := p.UnmarshalBinary(f.Payload); err != nil {
		return nil, err
	}
	if len(p.SenderHardwareAddr) != 6 || !p.SenderIP.Is4() {
		return nil, fmt.Errorf("an ARP packet that is not for Ethernet and IPv4")
	}
	return &p, nil
}
