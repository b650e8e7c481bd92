package clustermap

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Command changes the Map. Exactly one of its members after Expect is set.
type Command struct {
	At     time.Time `json:"at,omitzero"`      // for people, by the proposer's clock
	By     string    `json:"by,omitempty"`     // who wants it
	Expect *Rev      `json:"expect,omitempty"` // refuse if the Map is elsewhere

	Found     *Primary    `json:"found,omitempty"`     // the first primary of the cluster: epoch 1
	Begin     *Failover   `json:"begin,omitempty"`     // Kind, From, To, Reason, AllowLoss are used
	Advance   *Advance    `json:"advance,omitempty"`   // a failover goes on
	Opened    *Opened     `json:"opened,omitempty"`    // a failover opens its epoch
	Sync      *SetSync    `json:"sync,omitempty"`      // the primary waits for other standbys than before
	Configure *Configure  `json:"configure,omitempty"` // the backends that the leader's file names
	Backend   *SetBackend `json:"backend,omitempty"`
	Member    *Member     `json:"member,omitempty"` // added or replaced
	Remove    *NodeID     `json:"remove,omitempty"` // a member is no more
	Pause     *bool       `json:"pause,omitempty"`
	Forced    *Forced     `json:"forced,omitempty"`
}

// Rev says which Map a decision was taken on.
type Rev struct {
	Epoch uint64 `json:"epoch"`
	Index uint64 `json:"index"`
}

// Rev returns the revision of the Map.
func (m *Map) Rev() Rev { return Rev{m.Epoch, m.Index} }

// Advance moves a failover. Zero members leave what is there.
type Advance struct {
	ID       uint64   `json:"id"`
	State    State    `json:"state"`
	To       *int     `json:"to,omitempty"`
	Evidence []string `json:"evidence,omitempty"` // added
	Hooks    []string `json:"hooks,omitempty"`    // added
	Lag      *uint64  `json:"lag,omitempty"`
	Err      string   `json:"err,omitempty"`
}

// Opened makes a failover's candidate the primary of its epoch. The failover goes on as Reconverge.
type Opened struct {
	ID      uint64  `json:"id"`
	Primary Primary `json:"primary"`
}

// SetSync replaces the Sync of the Primary of an epoch.
type SetSync struct {
	Epoch uint64 `json:"epoch"`
	Sync  *Sync  `json:"sync"`
}

// Configure names the cluster and its backends. What is known of a backend with the same address stays.
type Configure struct {
	Cluster  string    `json:"cluster,omitempty"` // set once
	Backends []Backend `json:"backends"`
}

// SetBackend decides about a backend.
type SetBackend struct {
	ID     int    `json:"id"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// Encode returns the command as the log keeps it.
func (c *Command) Encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // every member is a plain value
	}
	return b
}

// DecodeCommand reads what Encode wrote. A member that it does not know comes from a newer version; to pass over it
// would let this node's Map differ from the others', so it is an error.
func DecodeCommand(b []byte) (Command, error) {
	var c Command
	if err := strict(b, &c); err != nil {
		return c, fmt.Errorf("command of the log %.200q: %w", b, err)
	}
	return c, nil
}
