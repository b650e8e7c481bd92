package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Watchdog is the cluster of those that can hold the virtual address. What a server does not send is nil.
type Watchdog struct {
	RemoteNodeCount       int64
	MemberRemoteNodeCount *int64 // since 4.3
	NodesRequireForQuorum int64
	QuorumStatus          int64 // 1 there, 0 on the edge, -1 absent, -2 no leader
	AliveNodeCount        int64
	Escalated             int64 // 1 when the server that was asked holds the address
	LeaderNodeName        string
	LeaderHostName        string
	NodeCount             int64
	WatchdogNodes         []WatchdogNode
}

// A WatchdogNode is one member of a Watchdog.
type WatchdogNode struct {
	ID               int64
	State            int64
	Membership       *int64  // since 4.3
	MembershipString *string // since 4.3
	NodeName         string
	HostName         string
	StateName        string
	DelegateIP       string
	WdPort           int64
	PgpoolPort       int64
	Priority         int64
	LifecheckStarted *int64 // since 4.8
}

// Layout is the version that the answer has the form of.
func (w *Watchdog) Layout() Layout {
	switch {
	case w.MemberRemoteNodeCount == nil:
		return V42
	case len(w.WatchdogNodes) > 0 && w.WatchdogNodes[0].LifecheckStarted != nil:
		return V48
	}
	return V43
}

// AllMembers asks WatchdogInfo for all members; 0 is the one that is asked, and k the k-th other.
const AllMembers = -1

// WatchdogInfo is the state of the cluster of servers and of one member or AllMembers.
func (c *Conn) WatchdogInfo(id int) (*Watchdog, error) {
	if err := c.sendTexts(frame.WatchdogInfo, strconv.Itoa(id)); err != nil {
		return nil, err
	}
	texts, err := c.complete('w')
	if err != nil {
		return nil, err
	}
	if len(texts) != 1 {
		return nil, fmt.Errorf("read the answer: %d texts, not one", len(texts))
	}
	var w Watchdog
	if err := json.Unmarshal([]byte(texts[0]), &w); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	for _, n := range w.WatchdogNodes {
		if w.MemberRemoteNodeCount != nil && (n.Membership == nil || n.MembershipString == nil) {
			return nil, errors.New("read the answer: a watchdog node without its membership")
		}
	}
	return &w, nil
}
