package crew

import (
	"context"
	"time"
)

// watchStatus is what is read of the answer of pgwatch to status.
type watchStatus struct {
	Members  []member   `json:"members"`
	Backends []backend  `json:"backends"`
	Watchdog watchTotal `json:"watchdog"`
}

// backend is a server as pgwatch sees it, in the words of pcp_node_info.
type backend struct {
	ID         int       `json:"id"`
	Role       string    `json:"role"` // in the cluster: primary or standby
	PoolStatus Status    `json:"pool_status"`
	Quarantine bool      `json:"quarantine"`
	PGStatus   string    `json:"pg_status"`
	PGRole     string    `json:"pg_role"`
	LagBytes   int64     `json:"lag_bytes"`
	LagUS      int64     `json:"lag_us"`
	RepState   string    `json:"replication_state"`
	SyncState  string    `json:"sync_state"`
	Changed    time.Time `json:"status_changed"`
	Checks     *Checks   `json:"health_check"`
}

// Checks counts the health checks of a server. Times are zero where there was none.
type Checks struct {
	Total       uint64    `json:"total"`
	Success     uint64    `json:"success"`
	Fail        uint64    `json:"fail"`
	Retry       uint64    `json:"retry"`
	MaxRetry    uint64    `json:"max_retry"`
	MaxMS       int64     `json:"max_ms"`
	MinMS       int64     `json:"min_ms"`
	AverageMS   float64   `json:"average_ms"`
	Last        time.Time `json:"last"`
	LastSuccess time.Time `json:"last_success"`
	LastFail    time.Time `json:"last_fail"`
}

func (c Crew) watchStatus(ctx context.Context) (st watchStatus, err error) {
	return st, c.ask(ctx, quick, watch, "status", nil, &st)
}

// routerStatus is what is read of the answer of pgrouter to status.
type routerStatus struct {
	Sessions int `json:"sessions"`
	Nodes    []struct {
		ID       int       `json:"id"`
		Status   string    `json:"status"`
		Role     string    `json:"role"`
		LagBytes int64     `json:"lag_bytes"`
		LagMS    float64   `json:"lag_ms"`
		Since    time.Time `json:"since"`
	} `json:"nodes"`
}

func (c Crew) routerStatus(ctx context.Context) (st routerStatus, err error) {
	return st, c.ask(ctx, quick, router, "status", nil, &st)
}

// Sessions is how many clients the router of this host serves.
func (c Crew) Sessions(ctx context.Context) (int, error) {
	st, err := c.routerStatus(ctx)
	return st.Sessions, err
}
