package address

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// MissingPrivileges returns the names of the capabilities (capabilities(7)) that this process needs and lacks: to change
// addresses, and to speak to neighbours.
func MissingPrivileges() ([]string, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil, fmt.Errorf("read the capabilities of this process: %w", err)
	}
	var missing []string
	for _, each := range []struct {
		name string
		bit  uint
	}{{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN}, {"CAP_NET_RAW", unix.CAP_NET_RAW}} {
		if data[0].Effective&(1<<each.bit) == 0 {
			missing = append(missing, each.name)
		}
	}
	return missing, nil
}
