package client

import (
	"fmt"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Process is one slot of a session for a server connection. The texts are the server's own words.
type Process struct {
	Layout               Layout // of the reply; fields that it has not are empty
	PID                  string
	Started              string
	ClientConnections    string // how many clients it had; since 4.3
	PoolID               string // since 4.3
	BackendID            string
	Database             string
	Username             string
	BackendConnected     string // when it connected to the server
	ClientConnected      string // since 4.3
	ClientDisconnected   string // since 4.3
	ClientIdle           string // seconds; since 4.3
	Major                string // of the protocol
	Minor                string
	Counter              string // how many clients used the server connection
	BackendPID           string
	Connected            string    // 1 while a client uses it
	Status               string    // since 4.3
	More                 []string  // LoadBalanceNode, ClientHost, ClientPort, Statement; since 4.5
	StartedAt, CreatedAt time.Time // instead of Started and BackendConnected in 4.2
}

// The numbers of fields that tell the layouts of a process apart.
const (
	processFields42 = 11
	processFields43 = 17
	processFields48 = 21
)

// AllProcesses asks ProcInfo for all processes.
const AllProcesses = 0

// ProcCount are the process numbers of those that serve clients.
func (c *Conn) ProcCount() ([]int64, error) {
	if err := c.send(frame.ProcCount, nil); err != nil {
		return nil, err
	}
	texts, err := c.complete('n')
	if err != nil {
		return nil, err
	}
	f := fields{texts: texts}
	if n := f.number(); f.err == nil && n != int64(len(f.texts)) {
		f.fail("%d processes are announced and %d named", n, len(f.texts))
	}
	var pids []int64
	for f.err == nil && len(f.texts) > 0 {
		pids = append(pids, f.number())
	}
	return pids, f.err
}

// ProcInfo are the slots of one process, or of AllProcesses.
func (c *Conn) ProcInfo(pid int) ([]Process, error) {
	if err := c.sendTexts(frame.ProcInfo, strconv.Itoa(pid)); err != nil {
		return nil, err
	}
	var all []Process
	_, err := c.items('p', frame.ProcInfoItem, func(texts []string) error {
		p, err := readProcess(texts)
		all = append(all, p)
		return err
	})
	return all, err
}

func readProcess(texts []string) (Process, error) {
	f := fields{texts: texts}
	var p Process
	switch len(texts) {
	case processFields42:
		return readProcess42(&f)
	case processFields43:
		p.Layout = V43
	case processFields48:
		p.Layout = V48
	default:
		return p, fmt.Errorf("read the answer: a process with %d fields", len(texts))
	}
	for _, field := range []*string{&p.PID, &p.Started, &p.ClientConnections, &p.PoolID, &p.BackendID, &p.Database, &p.Username,
		&p.BackendConnected, &p.ClientConnected, &p.ClientDisconnected, &p.ClientIdle, &p.Major, &p.Minor, &p.Counter,
		&p.BackendPID, &p.Connected, &p.Status} {
		*field = f.text()
	}
	p.More = f.texts
	return p, f.err
}

func readProcess42(f *fields) (Process, error) {
	p := Process{Layout: V42}
	p.PID, p.Database, p.Username, p.StartedAt, p.CreatedAt = f.text(), f.text(), f.text(), f.time(), f.time()
	p.Major, p.Minor, p.Counter, p.BackendID, p.BackendPID, p.Connected = f.text(), f.text(), f.text(), f.text(), f.text(), f.text()
	return p, f.err
}
