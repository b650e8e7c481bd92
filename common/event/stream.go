package event

// Hello is the first line of every stream.
type Hello struct {
	VMin    int      `json:"v_min"`
	VMax    int      `json:"v_max"`
	TickMS  int64    `json:"tick_ms"`  // interval of ticks
	LeaseMS int64    `json:"lease_ms"` // silence for so long means no
	Caps    []string `json:"caps,omitempty"`
}

// Snapshot is the second line, and the one after resync: all there is to know.
type Snapshot struct {
	Map    Map         `json:"map"`
	Self   string      `json:"self"` // the node that writes
	Quorum QuorumState `json:"quorum"`
}

// Map is the cluster as the nodes have agreed on it.
type Map struct {
	Index    uint64    `json:"idx,omitempty"`
	Epoch    uint64    `json:"epoch,omitempty"`
	Primary  *Primary  `json:"primary,omitempty"` // absent while there is none
	Backends []Backend `json:"backends,omitempty"`
	Nodes    []Node    `json:"nodes,omitempty"`
}

// Resync says that lines were left out, because the reader was slow; a snapshot follows.
type Resync struct {
	Lost uint64 `json:"lost,omitempty"` // lines left out
}

// Tick renews the leases, a few times within one.
type Tick struct {
	Leader string      `json:"leader,omitempty"` // absent while there is none
	Quorum QuorumState `json:"quorum"`
	Serve  *Serve      `json:"serve,omitempty"` // absent: take no writes
	VIP    *VIPLease   `json:"vip,omitempty"`
}

// Serve allows routers to send writes to the primary of an epoch.
type Serve struct {
	Epoch uint64 `json:"epoch"`
	TTLMS int64  `json:"ttl_ms"` // from the tick's mono_ms on
}

// VIPLease says who holds the virtual address.
type VIPLease struct {
	Holder string `json:"holder"`
	Token  uint64 `json:"token"` // a higher one ends all lower ones
	TTLMS  int64  `json:"ttl_ms"`
}

// QuorumState is whether the nodes that hear each other may decide.
type QuorumState string

// The states of a quorum.
const (
	QuorumFull QuorumState = "full"
	QuorumEdge QuorumState = "edge" // exactly half, allowed by enable_consensus_with_half_votes
	QuorumNone QuorumState = "none"
)

// Bye is the last line of a stream that ends on purpose.
type Bye struct {
	Reason string `json:"reason,omitempty"`
}

func (Hello) EventType() string    { return TypeHello }
func (Snapshot) EventType() string { return TypeSnapshot }
func (Resync) EventType() string   { return TypeResync }
func (Tick) EventType() string     { return TypeTick }
func (Bye) EventType() string      { return TypeBye }
