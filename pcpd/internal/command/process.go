package command

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/crew"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// procCount lists the sessions, where Pgpool-II has a process for each that could be.
func procCount(r *request) ([]byte, error) {
	shown, err := r.crew.Show(r.ctx, "pool_processes")
	if err != nil {
		return nil, err
	}
	texts := []string{number(len(shown.Rows))}
	for _, row := range shown.Rows {
		texts = append(texts, shown.Get(row, "pool_pid"))
	}
	return reply('n', texts...), nil
}

// allProcesses asks for all sessions instead of one.
const allProcesses = "0"

// procInfo lists server connections with the session that has them, and the sessions that have none just now.
func procInfo(r *request) ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	pools, err := r.crew.Show(r.ctx, "pool_pools")
	if err != nil {
		return nil, err
	}
	sessions, err := r.crew.Show(r.ctx, "pool_processes")
	if err != nil {
		return nil, err
	}
	v := r.layout()
	var rows [][]string
	for _, row := range pools.Rows {
		if pid := pools.Get(row, "pool_pid"); text == pid || text == allProcesses {
			rows = append(rows, v.process(pools, row))
		}
	}
	for _, row := range sessions.Rows {
		pid := sessions.Get(row, "pool_pid")
		if (text == pid || text == allProcesses) && pools.With("pool_pid", pid) == nil {
			rows = append(rows, v.process(sessions, row))
		}
	}
	if rows == nil && text != allProcesses {
		return nil, refuse(r.failure, "invalid process ID : %s", text)
	}
	return list('p', frame.ProcInfoItem, rows), nil
}

// processColumns are the fields of ProcessInfo, by the columns they come from. 4.2 has times in seconds.
var processColumns = map[layout][]string{
	v42: {"pool_pid", "database", "username", "start_time", "backend_connection_time", "majorversion", "minorversion",
		"pool_counter", "backend_id", "pool_backendpid", "pool_connected"},
	v43: processColumns43,
	v48: append(slices.Clone(processColumns43), "load_balance_node", "client_host", "client_port", "statement"),
}

var processColumns43 = []string{"pool_pid", "start_time", "client_connection_count", "pool_id", "backend_id", "database", "username",
	"backend_connection_time", "client_connection_time", "client_disconnection_time", "client_idle_duration", "majorversion",
	"minorversion", "pool_counter", "pool_backendpid", "pool_connected", "status"}

// numeric are the fields that programs read as numbers.
var numeric = []string{"client_connection_count", "pool_id", "backend_id", "client_idle_duration", "majorversion", "minorversion",
	"pool_counter", "pool_backendpid", "pool_connected", "load_balance_node"}

func (v layout) process(t crew.Table, row []string) []string {
	columns := processColumns[v]
	out := make([]string, len(columns))
	for i, name := range columns {
		value := t.Get(row, name)
		switch {
		case value == "" && slices.Contains(numeric, name):
			value = "0"
		case v == v42 && (name == "start_time" || name == "backend_connection_time"):
			at, _ := time.ParseInLocation(time.DateTime, value, time.Local)
			value = seconds(at)
		}
		out[i] = value
	}
	return out
}

// poolStatus lists the parameters. Their number is the only one in PCP that is not text.
func poolStatus(r *request) ([]byte, error) {
	shown, err := r.crew.Show(r.ctx, "pool_status")
	var gone *crew.Absent
	switch {
	case errors.As(err, &gone):
		for _, i := range r.crew.Config.Status() { // all but what only a running router knows
			shown.Rows = append(shown.Rows, []string{i.Name, i.Value, i.Description})
		}
	case err != nil:
		return nil, err
	}
	size := binary.BigEndian.AppendUint32(frame.Payload(frame.ArraySize), uint32(len(shown.Rows)))
	return append(frame.AppendRaw(nil, 'b', size), items('b', frame.StatusItem, shown.Rows)...), nil
}

// setParameter takes the one parameter that there is. Pgpool-II sends more or fewer messages then; pcpd has nothing but errors
// to say.
func setParameter(r *request) ([]byte, error) {
	texts, err := frame.Texts(r.payload)
	if err != nil || len(texts) != 2 || texts[0] != "client_min_messages" {
		return nil, refuse(r.failure, "client_min_messages and its value can be set, and got %q", r.payload)
	}
	out := frame.AppendProblem(nil, frame.NoticeReply, frame.Problem{Severity: frame.Notice,
		Message: "client_min_messages has no effect", Detail: "pcpd sends errors, and nothing else that could be suppressed"})
	return append(out, reply('a')...), nil
}
