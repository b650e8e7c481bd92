package address

import (
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Forever is the lifetime of an address that stays until somebody removes it.
const Forever = time.Duration(math.MaxInt64)

// A Present is an address as the kernel has it.
type Present struct {
	Prefix int           // length
	Label  string        // such as eth0:0
	Left   time.Duration // of its lifetime, in whole seconds; Forever when it has none
	addr   netlink.Addr
}

// Find looks whether the interface has the address.
func Find(a Address) (Present, bool, error) {
	link, err := netlink.LinkByName(a.Dev)
	if err != nil {
		return Present{}, false, fmt.Errorf("network interface %s: %w", a.Dev, err)
	}
	all, err := netlink.AddrList(link, family(a.IP))
	if err != nil {
		return Present{}, false, fmt.Errorf("list the addresses of %s: %w", a.Dev, err)
	}
	for _, each := range all {
		if each.IP.Equal(a.IP.AsSlice()) {
			p := Present{Label: each.Label, Left: time.Duration(each.ValidLft) * time.Second, addr: each}
			p.Prefix, _ = each.Mask.Size()
			if uint32(each.ValidLft) == math.MaxUint32 {
				p.Left = Forever
			}
			return p, true, nil
		}
	}
	return Present{}, false, nil
}

// Set gives the interface the address for a lifetime, which the kernel counts in whole seconds and ends by itself. An
// address that is there keeps its prefix length and label. A new one is a /32 or /128, because a wider one could take
// others of the same network with it when it goes.
func Set(a Address, lifetime time.Duration) error {
	link, err := netlink.LinkByName(a.Dev)
	if err != nil {
		return fmt.Errorf("network interface %s: %w", a.Dev, err)
	}
	present, found, err := Find(a)
	if err != nil {
		return err
	}
	bits := a.IP.BitLen()
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: a.IP.AsSlice(), Mask: net.CIDRMask(bits, bits)}}
	if found {
		addr.Mask, addr.Label = net.CIDRMask(present.Prefix, bits), present.Label
		addr.Broadcast, addr.Peer = present.addr.Broadcast, present.addr.Peer
	}
	if addr.Broadcast == nil {
		addr.Broadcast = net.IPv4zero // none
	}
	if a.IP.Is6() {
		addr.Flags = unix.IFA_F_NODAD // we have asked already, and have no time to wait
	}
	addr.ValidLft, addr.PreferedLft = seconds(lifetime), seconds(lifetime)
	if err := netlink.AddrReplace(link, addr); err != nil {
		return fmt.Errorf("put %s on %s: %w", a, a.Dev, err)
	}
	return nil
}

// seconds is a lifetime for the kernel.
func seconds(lifetime time.Duration) int {
	if lifetime == Forever {
		return math.MaxUint32
	}
	return int(min(max(1, (lifetime+time.Second-1)/time.Second), math.MaxUint32-1))
}

// Remove takes the address from the interface, and says whether it was there.
func Remove(a Address) (found bool, err error) {
	link, err := netlink.LinkByName(a.Dev)
	if err != nil {
		if _, gone := errors.AsType[netlink.LinkNotFoundError](err); gone {
			return false, nil // and its addresses with it
		}
		return false, fmt.Errorf("network interface %s: %w", a.Dev, err)
	}
	for {
		present, there, err := Find(a)
		if err != nil || !there {
			return found, err
		}
		found = true
		if err := netlink.AddrDel(link, &present.addr); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return found, fmt.Errorf("take %s from %s: %w", a, a.Dev, err)
		}
	}
}
