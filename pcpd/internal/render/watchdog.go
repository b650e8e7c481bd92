package render

import (
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/pcpd/internal/client"
)

// quorumNames are in the order of the numbers from 1 downwards.
var quorumNames = []string{"QUORUM EXIST", "QUORUM IS ON THE EDGE", "QUORUM ABSENT", "NO LEADER NODE"}

// Watchdog prints the state of the cluster of servers.
func (p *Printer) Watchdog(w *client.Watchdog) error {
	switch {
	case p.JSON:
		return p.json(watchdogJSON{p.kind(), w})
	case p.Verbose:
		return p.printf("%s", verboseWatchdog(w))
	}
	return p.printf("%s", plainWatchdog(w))
}

// watchdogJSON has the names of the protocol's own JSON.
type watchdogJSON struct {
	Type string `json:"type"`
	*client.Watchdog
}

func plainWatchdog(w *client.Watchdog) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d ", w.RemoteNodeCount+1)
	if w.MemberRemoteNodeCount != nil {
		fmt.Fprintf(&b, "%d ", *w.MemberRemoteNodeCount+1)
	}
	fmt.Fprintf(&b, "%s %s %s\n\n", yes(w.Escalated), w.LeaderNodeName, w.LeaderHostName)
	for _, n := range w.WatchdogNodes {
		fmt.Fprintf(&b, "%s %s %d %d %d %s", n.NodeName, n.HostName, n.PgpoolPort, n.WdPort, n.State, n.StateName)
		if n.Membership != nil {
			fmt.Fprintf(&b, " %d %s", *n.Membership, text(n.MembershipString))
		}
		if n.LifecheckStarted != nil {
			fmt.Fprintf(&b, " %s", yes(*n.LifecheckStarted))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func verboseWatchdog(w *client.Watchdog) string {
	var b strings.Builder
	head := func(title string, value any) { fmt.Fprintf(&b, "%-25s: %v\n", title, value) }
	b.WriteString("Watchdog Cluster Information \n")
	head("Total Nodes", w.RemoteNodeCount+1)
	head("Remote Nodes", w.RemoteNodeCount)
	if w.MemberRemoteNodeCount != nil {
		head("Member Remote Nodes", *w.MemberRemoteNodeCount)
	}
	head("Alive Remote Nodes", w.AliveNodeCount)
	head("Nodes required for quorum", w.NodesRequireForQuorum)
	head("Quorum state", name(quorumNames, 1-w.QuorumStatus))
	head("Local node escalation", yes(w.Escalated))
	head("Leader Node Name", w.LeaderNodeName)
	head("Leader Host Name", w.LeaderHostName)
	b.WriteString("\nWatchdog Node Information \n")
	line := func(title string, value any) { fmt.Fprintf(&b, "%-17s : %v\n", title, value) }
	for _, n := range w.WatchdogNodes {
		line("Node Name", n.NodeName)
		line("Host Name", n.HostName)
		line("Delegate IP", n.DelegateIP)
		line("Pgpool port", n.PgpoolPort)
		line("Watchdog port", n.WdPort)
		line("Node priority", n.Priority)
		line("Status", n.State)
		line("Status Name", n.StateName)
		if n.Membership != nil {
			line("Membership Status", text(n.MembershipString))
		}
		if n.LifecheckStarted != nil {
			line("Lifecheck Started", yes(*n.LifecheckStarted))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func yes(n int64) string {
	if n != 0 {
		return "YES"
	}
	return "NO"
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
