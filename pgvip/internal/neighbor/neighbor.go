// Package neighbor tells the hosts of a network where an address is, asks them whether they have it, and hears when
// another host says so: by ARP (RFC 826, RFC 5227) for IPv4, by neighbor discovery (RFC 4861) for IPv6.
package neighbor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// The probe of RFC 5227, quicker: on the networks of today an answer takes less than a millisecond.
const (
	probes    = 2
	probeWait = 50 * time.Millisecond
	deafPause = 20 * time.Millisecond // after an error of the socket
)

// Neighbors are the other hosts on the network of one interface, as far as one address is concerned. Its socket stays
// open, because to open one takes several milliseconds.
type Neighbors struct {
	dev   string
	ip    netip.Addr
	heard func(mac string)

	mu      sync.Mutex
	wire    wire          // nil: not open
	index   int           // of the interface for which it was opened
	closed  chan struct{} // with the wire
	readers sync.WaitGroup
	answers chan string
}

// A wire is an open socket.
type wire interface {
	ask() error                      // who has the address?
	tell(mac net.HardwareAddr) error // we have it
	hear() (net.HardwareAddr, error) // waits until somebody says that it has the address
	Close() error
}

// Open returns the Neighbors on interface dev. heard is called with the MAC of each foreign host that says that it has
// ip, from another goroutine; it must not block. The error says why the socket cannot be opened; the
// Neighbors work nevertheless as soon as it can.
func Open(dev string, ip netip.Addr, heard func(mac string)) (*Neighbors, error) {
	n := &Neighbors{dev: dev, ip: ip, heard: heard, answers: make(chan string, 1)}
	n.mu.Lock()
	defer n.mu.Unlock()
	_, err := n.open()
	return n, err
}

// open makes sure that the socket is open and belongs to the interface that has the name now. It returns the interface.
func (n *Neighbors) open() (*net.Interface, error) {
	ifi, err := net.InterfaceByName(n.dev)
	if err != nil {
		n.shut()
		return nil, fmt.Errorf("network interface %s: %w", n.dev, err)
	}
	if n.wire != nil && n.index == ifi.Index {
		return ifi, nil
	}
	n.shut()
	if ifi.Flags&(net.FlagLoopback|net.FlagPointToPoint) != 0 || len(ifi.HardwareAddr) != 6 {
		return ifi, nil // nobody there needs to be told
	}
	var w wire
	if n.ip.Is4() {
		w, err = openARP(ifi, n.ip)
	} else {
		w, err = openND(ifi, n.ip)
	}
	if err != nil {
		return nil, fmt.Errorf("open a socket for the neighbours on %s: %w", n.dev, err)
	}
	closed := make(chan struct{})
	n.wire, n.index, n.closed = w, ifi.Index, closed
	n.readers.Go(func() { n.read(w, closed) })
	return ifi, nil
}

// shut closes the socket, if there is one.
func (n *Neighbors) shut() {
	if n.wire != nil {
		close(n.closed)
		n.wire.Close()
		n.wire = nil
	}
}

// Close ends it. It may be called once.
func (n *Neighbors) Close() {
	n.mu.Lock()
	n.shut()
	n.mu.Unlock()
	n.readers.Wait()
}

// read hears what is said until the socket is closed. It lives through a link that goes down, which is an error.
func (n *Neighbors) read(w wire, closed <-chan struct{}) {
	for {
		mac, err := w.hear()
		if err != nil {
			select {
			case <-closed:
				return
			case <-time.After(deafPause):
				continue
			}
		}
		if own(mac) {
			continue
		}
		select {
		case n.answers <- mac.String():
		default:
		}
		n.heard(mac.String())
	}
}

// own says whether a MAC is one of this host's: another interface in the same network may answer as well.
func own(mac net.HardwareAddr) bool {
	all, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, each := range all {
		if bytes.Equal(each.HardwareAddr, mac) {
			return true
		}
	}
	return false
}

// Probe asks whether another host has the address and returns its MAC, or "" when nobody answers.
func (n *Neighbors) Probe(ctx context.Context) (mac string, err error) {
	select {
	case <-n.answers: // to an earlier question
	default:
	}
	for range probes {
		if err := n.ask(); err != nil {
			return "", err
		}
		select {
		case mac := <-n.answers:
			return mac, nil
		case <-time.After(probeWait):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", nil
}

func (n *Neighbors) ask() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.open(); err != nil || n.wire == nil {
		return err
	}
	if err := n.wire.ask(); err != nil {
		n.shut()
		return fmt.Errorf("ask who has %s on %s: %w", n.ip, n.dev, err)
	}
	return nil
}

// Announce tells all neighbours that this host has the address.
func (n *Neighbors) Announce() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	ifi, err := n.open()
	if err != nil || n.wire == nil {
		return err
	}
	if err := n.wire.tell(ifi.HardwareAddr); err != nil {
		n.shut()
		return fmt.Errorf("announce %s on %s: %w", n.ip, n.dev, err)
	}
	return nil
}
