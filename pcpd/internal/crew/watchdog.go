package crew

import (
	"cmp"
	"context"
	"slices"
)

// watchTotal is the crew as a whole as pgwatch tells it.
type watchTotal struct {
	Enabled       bool   `json:"enabled"`
	Remote        int    `json:"remote_nodes"`
	RemoteMembers int    `json:"remote_members"`
	RemoteAlive   int    `json:"remote_alive"`
	Required      int    `json:"required"`
	Quorum        int    `json:"quorum"`
	Escalated     bool   `json:"escalated"`
	LeaderName    string `json:"leader_name"`
	LeaderHost    string `json:"leader_host"`
}

// member is a node of the crew as pgwatch tells it.
type member struct {
	ID             int    `json:"id"`
	Self           bool   `json:"self"`
	Host           string `json:"host"`
	WatchPort      int    `json:"wd_port"`
	RouterPort     int    `json:"pgpool_port"`
	Priority       int    `json:"priority"`
	Name           string `json:"pool_name"`
	State          int    `json:"watchdog_state"`
	StateName      string `json:"watchdog_state_name"`
	Membership     int    `json:"membership"`
	MembershipName string `json:"membership_name"`
	DelegateIP     string `json:"delegate_ip"`
}

// Watchdog is what pcp_watchdog_info shows, in the form and with the names of Pgpool-II's JSON. Programs of 4.2 to 4.8 look
// for different members of it, and pass over what they do not know, so that all are always there.
type Watchdog struct {
	RemoteNodeCount       int
	MemberRemoteNodeCount int
	NodesRequireForQuorum int
	QuorumStatus          int // 1 there is one, 0 on the edge, -1 there is none, -2 there is no leader
	AliveNodeCount        int // remote ones
	Escalated             int // 1: the node that is asked holds the virtual address
	LeaderNodeName        string
	LeaderHostName        string
	NodeCount             int            // of WatchdogNodes
	WatchdogNodes         []WatchdogNode // the one that is asked comes first
}

// WatchdogNode is a node in it.
type WatchdogNode struct {
	ID               int
	State            int // such as 4, LEADER
	Membership       int
	MembershipString string
	NodeName         string
	HostName         string
	StateName        string
	DelegateIP       string
	WdPort           int
	PgpoolPort       int
	Priority         int
	LifecheckStarted int `json:",omitempty"` // since 4.8
}

// notSet is Pgpool-II's word for an address that nobody holds.
const notSet = "Not_Set"

// Watchdog asks pgwatch. ok is false when use_watchdog is off.
func (c Crew) Watchdog(ctx context.Context) (w Watchdog, ok bool, err error) {
	if !c.Config.Bool("use_watchdog") {
		return w, false, nil
	}
	st, err := c.watchStatus(ctx)
	if err != nil || !st.Watchdog.Enabled {
		return w, false, err
	}
	t := st.Watchdog
	w = Watchdog{RemoteNodeCount: t.Remote, MemberRemoteNodeCount: t.RemoteMembers, NodesRequireForQuorum: t.Required,
		QuorumStatus: t.Quorum, AliveNodeCount: t.RemoteAlive, LeaderNodeName: t.LeaderName, LeaderHostName: t.LeaderHost}
	if t.Escalated {
		w.Escalated = 1
	}
	slices.SortStableFunc(st.Members, func(a, b member) int {
		switch {
		case a.Self == b.Self:
			return a.ID - b.ID
		case a.Self:
			return -1
		}
		return 1
	})
	for _, m := range st.Members {
		w.WatchdogNodes = append(w.WatchdogNodes, WatchdogNode{ID: m.ID, State: m.State, Membership: m.Membership,
			MembershipString: m.MembershipName, NodeName: m.Name, HostName: m.Host, StateName: m.StateName, DelegateIP: cmp.Or(m.DelegateIP, notSet),
			WdPort: m.WatchPort, PgpoolPort: m.RouterPort, Priority: m.Priority})
	}
	w.NodeCount = len(w.WatchdogNodes)
	return w, true, nil
}
