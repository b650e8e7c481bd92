package arbiter

import (
	"net"
	"slices"
)

// anyInterface in wd_monitoring_interfaces_list stands for all of the host but the loopback.
const anyInterface = "any"

// Up reports whether one of the named network interfaces exists, is up and has a link.
func Up(names []string) bool {
	all, err := net.Interfaces()
	if err != nil {
		return true // nothing is known against them
	}
	const works = net.FlagUp | net.FlagRunning
	return slices.ContainsFunc(all, func(i net.Interface) bool {
		named := slices.Contains(names, i.Name) || slices.Contains(names, anyInterface) && i.Flags&net.FlagLoopback == 0
		return named && i.Flags&works == works
	})
}
