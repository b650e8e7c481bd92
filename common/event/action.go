package event

// Fence demands that a server takes no more writes.
type Fence struct {
	Target     int    `json:"target"`
	Epoch      uint64 `json:"epoch"` // the first that it must not serve
	DeadlineMS int64  `json:"deadline_ms"`
}

// FenceAck says how a fence went.
type FenceAck struct {
	Target   int      `json:"target"`
	Epoch    uint64   `json:"epoch"`
	Evidence []string `json:"evidence,omitempty"`
	OK       bool     `json:"ok"`
}

// VIPGrant lets a node hold the virtual address.
type VIPGrant struct {
	Addr  string `json:"addr"`
	Dev   string `json:"dev,omitempty"`
	Token uint64 `json:"token"`
	TTLMS int64  `json:"ttl_ms"`
}

// VIPRevoke ends a grant.
type VIPRevoke struct {
	Addr   string `json:"addr"`
	Token  uint64 `json:"token"`
	Reason string `json:"reason,omitempty"`
}

// VIPReport is what a holder of the address says it did: up, down, or met another holder.
type VIPReport struct {
	Addr   string `json:"addr"`
	Dev    string `json:"dev,omitempty"`
	Token  uint64 `json:"token,omitempty"`
	MAC    string `json:"mac,omitempty"`    // of the other holder
	Reason string `json:"reason,omitempty"` // why it was given up
	Err    string `json:"err,omitempty"`
}

// VIPUp says that the address was taken.
type VIPUp struct{ VIPReport }

// VIPDown says that it was given up.
type VIPDown struct{ VIPReport }

// VIPConflict says that somebody else answers for it.
type VIPConflict struct{ VIPReport }

// PromoteDone says how a promotion ended.
type PromoteDone struct {
	ID       int    `json:"id"`
	Epoch    uint64 `json:"epoch"`
	Timeline uint32 `json:"timeline,omitempty"`
	OK       bool   `json:"ok"`
	Err      string `json:"err,omitempty"`
}

// Recover is one step of making a server a standby again.
type Recover struct {
	Node    int      `json:"node"`
	Job     string   `json:"job"`
	Phase   string   `json:"phase"`
	Percent *float64 `json:"percent,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
	Method  string   `json:"method,omitempty"` // rewind or basebackup
	OK      *bool    `json:"ok,omitempty"`     // in the last line of a job
	Err     string   `json:"err,omitempty"`
}

// DataDiscarded says which changes of a former primary were thrown away.
type DataDiscarded struct {
	Node    int    `json:"node"`
	FromLSN string `json:"from_lsn"`
	ToLSN   string `json:"to_lsn"`
	Bytes   int64  `json:"bytes"`
	Saved   string `json:"saved,omitempty"` // where they were kept
}

// Config says that a configuration was read again.
type Config struct {
	OK      bool     `json:"ok"`
	Restart []string `json:"restart,omitempty"` // parameters that wait for one
	Err     string   `json:"err,omitempty"`
}

// Pause says whether decisions are left to people.
type Pause struct {
	Paused bool   `json:"paused"`
	By     string `json:"by,omitempty"`
}

// Log is a remark for people.
type Log struct {
	Level string `json:"level"` // debug, info, warn or error
	Msg   string `json:"msg"`
}

func (Fence) EventType() string         { return TypeFence }
func (FenceAck) EventType() string      { return TypeFenceAck }
func (VIPGrant) EventType() string      { return TypeVIPGrant }
func (VIPRevoke) EventType() string     { return TypeVIPRevoke }
func (VIPUp) EventType() string         { return TypeVIPUp }
func (VIPDown) EventType() string       { return TypeVIPDown }
func (VIPConflict) EventType() string   { return TypeVIPConflict }
func (PromoteDone) EventType() string   { return TypePromoteDone }
func (Recover) EventType() string       { return TypeRecover }
func (DataDiscarded) EventType() string { return TypeDataDiscarded }
func (Config) EventType() string        { return TypeConfig }
func (Pause) EventType() string         { return TypePause }
func (Log) EventType() string           { return TypeLog }
