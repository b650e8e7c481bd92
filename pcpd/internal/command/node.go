package command

import (
	"strconv"

	"github.com/pgcrew/pgcrew/pcpd/internal/crew"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// text reads a request that is one text.
func (r *request) text() (string, error) {
	texts, err := frame.Texts(r.payload)
	if err == nil && len(texts) == 1 {
		return texts[0], nil
	}
	return "", refuse(r.failure, "the request must be one text that ends with a zero byte")
}

// node reads a request that is the number of a configured node. Others, Pgpool-II answers with success and does nothing.
func (r *request) node() (int, error) {
	text, err := r.text()
	if err != nil {
		return 0, err
	}
	return r.known(text, r.failure)
}

func (r *request) known(text, message string) (int, error) {
	id, err := strconv.Atoi(text)
	if err == nil {
		for _, b := range r.crew.Config.Backends() {
			if b.ID == id {
				return id, nil
			}
		}
	}
	return 0, refuse(message, "node id %s is not valid", text)
}

// nodeCount answers with one more than the highest number of a node: scripts count from 0 to below it.
func nodeCount(r *request) ([]byte, error) {
	n := 0
	for _, b := range r.crew.Config.Backends() {
		n = b.ID + 1
	}
	return reply('l', number(n)), nil
}

// allNodes asks for all nodes instead of one.
const allNodes = "-1"

func nodeInfo(r *request) ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	nodes, err := r.crew.Nodes(r.ctx)
	if err != nil {
		return nil, err
	}
	old := r.layout() == v42
	var records [][]string
	for _, n := range nodes {
		if text == number(n.ID) || text == allNodes && !old {
			records = append(records, r.fields(n))
		}
	}
	switch {
	case records == nil && text != allNodes || old && text == allNodes:
		return nil, refuse(r.failure, "invalid node ID : %s", text)
	case old:
		return reply('i', records[0]...), nil
	}
	return list('i', frame.NodeInfoItem, records), nil
}

// The roles of a node in replies.
const (
	primaryRole = "2"
	standbyRole = "3"
)

// fields are what NodeInfo has in the layout.
func (r *request) fields(n crew.Node) []string {
	v, role := r.layout(), standbyRole
	if n.Primary {
		role = primaryRole
	}
	out := []string{n.Host, number(n.Port), number(int(n.Status)), flag(n.Quarantine)}
	if v > v42 {
		out = append(out, n.PGStatus)
	}
	out = append(out, real(n.Weight*frame.FullWeight), role)
	if v > v42 {
		out = append(out, n.PGRole)
	}
	delay := number(n.LagBytes)
	if v > v43 {
		byTime := r.crew.Config.Duration("delay_threshold_by_time") > 0
		if byTime {
			delay = number(n.Lag.Microseconds())
		}
		out = append(out, flag(byTime))
	}
	return append(out, delay, n.RepState, n.SyncState, seconds(n.Changed))
}

func healthCheckStats(r *request) ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	nodes, err := r.crew.Nodes(r.ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if number(n.ID) != text {
			continue
		}
		if n.Checks != nil {
			return reply('h', checks(n)...), nil
		}
		shown, err := r.crew.Show(r.ctx, "pool_health_check_stats")
		if err != nil {
			return nil, err
		}
		if row := shown.With("node_id", text); row != nil {
			return reply('h', row...), nil
		}
	}
	return nil, refuse(r.failure, "stats data for node ID %s does not exist", text)
}

// checks are the columns of SHOW POOL_HEALTH_CHECK_STATS.
func checks(n crew.Node) []string {
	c, role, status := n.Checks, "standby", n.Status.String()
	if n.Primary {
		role = "primary"
	}
	if n.Quarantine {
		status = "quarantine"
	}
	average := 0.0
	if c.Total > 0 {
		average = float64(c.Retry) / float64(c.Total)
	}
	return []string{number(n.ID), n.Host, number(n.Port), status, role, clock(n.Changed),
		number(c.Total), number(c.Success), number(c.Fail), "0", number(c.Retry), real(average), number(c.MaxRetry),
		number(c.MaxMS), number(c.MinMS), real(c.AverageMS), clock(c.Last), clock(c.LastSuccess), "", clock(c.LastFail)}
}
