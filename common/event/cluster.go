package event

// Leader says that another node leads.
type Leader struct {
	Leader string `json:"leader,omitempty"` // absent: nobody
	Prev   string `json:"prev,omitempty"`
	Reason string `json:"reason,omitempty"`
	TookMS int64  `json:"took_ms,omitempty"` // without a leader
}

// Quorum says that the number of nodes that hear each other changed.
type Quorum struct {
	State  QuorumState `json:"state"`
	Votes  int         `json:"votes"`
	Needed int         `json:"needed"`
}

// Node is an opinion on a member of the crew.
type Node struct {
	ID    string `json:"id"`
	Kind  string `json:"kind,omitempty"`  // watch or router
	State string `json:"state,omitempty"` // alive, suspect, dead or left
	Since Time   `json:"since,omitzero"`
}

// Backend is what is known of a PostgreSQL server.
type Backend struct {
	ID       int      `json:"id"`              // its number in pgpool.conf
	State    string   `json:"state,omitempty"` // up, down, starting, hung, quarantine or unused
	Role     string   `json:"role,omitempty"`  // primary or standby
	Addr     string   `json:"addr,omitempty"`  // host:port
	LSN      string   `json:"lsn,omitempty"`
	LagBytes *int64   `json:"lag_bytes,omitempty"`
	Timeline uint32   `json:"timeline,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	By       []string `json:"by,omitempty"` // the nodes that say so
}

// PrimaryLost says that the primary is gone.
type PrimaryLost struct {
	ID       int      `json:"id"`
	Reason   string   `json:"reason,omitempty"`
	Evidence []string `json:"evidence,omitempty"`
}

// Failover is one step towards another primary.
type Failover struct {
	ID        int      `json:"id"`    // the server that was primary
	State     string   `json:"state"` // detect, fence, recruit, choose, catch-up, promote, open or reconverge
	Reason    string   `json:"reason,omitempty"`
	Evidence  []string `json:"evidence,omitempty"`
	Candidate *int     `json:"candidate,omitempty"`
	LagBytes  *int64   `json:"lag_bytes,omitempty"`
	AllowLoss bool     `json:"allow_loss,omitempty"`
}

// Primary says which server takes the writes from now on. Routers switch on it.
type Primary struct {
	ID       int    `json:"id"` // its number in pgpool.conf
	Epoch    uint64 `json:"epoch"`
	Node     string `json:"node,omitempty"` // the member of the crew on its host
	Addr     string `json:"addr"`           // host:port
	SysID    string `json:"sysid,omitempty"`
	Timeline uint32 `json:"timeline,omitempty"`
	StartLSN string `json:"start_lsn,omitempty"`
}

// SplitBrain says that more than one server took writes.
type SplitBrain struct {
	Nodes  []int    `json:"nodes,omitempty"`
	Epochs []uint64 `json:"epochs,omitempty"`
	Action string   `json:"action,omitempty"`
}

func (Leader) EventType() string      { return TypeLeader }
func (Quorum) EventType() string      { return TypeQuorum }
func (Node) EventType() string        { return TypeNode }
func (Backend) EventType() string     { return TypeBackend }
func (PrimaryLost) EventType() string { return TypePrimaryLost }
func (Failover) EventType() string    { return TypeFailover }
func (Primary) EventType() string     { return TypePrimary }
func (SplitBrain) EventType() string  { return TypeSplitBrain }
