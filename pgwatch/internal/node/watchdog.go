package node

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A code is a number of Pgpool-II with its name.
type code struct {
	number int
	name   string
}

// The states and memberships of pcp_watchdog_info that there are here; the numbers are Pgpool-II's.
var (
	watchdogDead     = code{0, "DEAD"} // never heard of
	watchdogLeads    = code{4, "LEADER"}
	watchdogElects   = code{5, "PARTICIPATING IN ELECTION"}
	watchdogStandby  = code{7, "STANDBY"}
	watchdogLost     = code{8, "LOST"}
	watchdogShutdown = code{10, "SHUTDOWN"}

	member        = code{0, "MEMBER"}
	memberStopped = code{1, "REVOKED-SHUTDOWN"}
	memberNoShow  = code{2, "REVOKED-NO-SHOW"}
	memberLost    = code{3, "REVOKED-LOST"}
)

// systemName is what a node of Pgpool-II tells of its host: the names of its system and of itself.
func systemName() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "Linux"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Nodename[:])
}

// poolName is how Pgpool-II calls a node.
func poolName(m *clustermap.Member) string {
	if m.System == "" {
		return "Not_Set"
	}
	return fmt.Sprintf("%s:%d %s", m.Host, m.Router, m.System)
}

// watchdogState is what a node is doing, in Pgpool-II's words.
func watchdogState(v *authority.View, m *clustermap.Member) code {
	switch {
	case m.Left:
		return watchdogShutdown
	case !slices.Contains(v.Alive, m.ID) && m.System == "":
		return watchdogDead
	case !slices.Contains(v.Alive, m.ID):
		return watchdogLost
	case v.Leader == clustermap.None:
		return watchdogElects
	case m.ID == v.Leader:
		return watchdogLeads
	}
	return watchdogStandby
}

// membership is what Pgpool-II would say of a node. One that was stopped has given up its vote; with
// wd_remove_shutdown_nodes off Pgpool-II goes on calling it a member.
func (s *Settings) membership(v *authority.View, m *clustermap.Member) code {
	switch {
	case slices.Contains(v.Voters, m.ID):
		return member
	case m.Left && !s.Config.Bool("wd_remove_shutdown_nodes"):
		return member
	case m.Left:
		return memberStopped
	case m.System == "":
		return memberNoShow
	}
	return memberLost
}

// watchdog is the crew as pcp_watchdog_info shows it.
func (s *Settings) watchdog(v *authority.View) WatchdogStatus {
	w := WatchdogStatus{Enabled: s.Config.Bool("use_watchdog"), Required: len(v.Voters)/2 + 1, Quorum: -1, LeaderName: "Not Set", LeaderHost: "Not Set",
		Escalated: v.VIP.Holder == s.Self.ID}
	for i := range v.Map.Members {
		m := &v.Map.Members[i]
		if m.ID == v.Leader {
			w.LeaderName, w.LeaderHost = poolName(m), m.Host
		}
		if m.ID == s.Self.ID {
			continue
		}
		w.Remote++
		if s.membership(v, m) == member {
			w.RemoteMembers++
		}
		if slices.Contains(v.Alive, m.ID) {
			w.RemoteAlive++
		}
	}
	if half := len(v.Voters) / 2; half*2 == len(v.Voters) && s.Config.Bool("enable_consensus_with_half_votes") {
		w.Required = half
	}
	switch {
	case v.Leader == clustermap.None:
		w.Quorum = -2
	case v.Quorum == authority.Full:
		w.Quorum = 1
	case v.Quorum == authority.Edge:
		w.Quorum = 0
	}
	return w
}
