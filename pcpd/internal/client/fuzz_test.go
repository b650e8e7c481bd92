package client

import (
	"bytes"
	"testing"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// asks are all requests whose answers are taken apart.
var asks = []func(*Conn) error{
	func(c *Conn) error { _, err := c.NodeCount(); return err },
	func(c *Conn) error { _, err := c.NodeInfo(AllNodes); return err },
	func(c *Conn) error { _, err := c.HealthCheckStats(0); return err },
	func(c *Conn) error { _, err := c.ProcCount(); return err },
	func(c *Conn) error { _, err := c.ProcInfo(AllProcesses); return err },
	func(c *Conn) error { _, err := c.WatchdogInfo(AllMembers); return err },
	func(c *Conn) error { _, err := c.PoolStatus(); return err },
	func(c *Conn) error { return c.Attach(0) },
}

// Whatever a server says, it is taken for an answer only when it is one message or more that end with the last one.
func FuzzReply(f *testing.F) {
	f.Add(complete('l', "2"), uint(0))
	f.Add(complete('i', "h", "1", "2", "0", "1.5", "3", "0", "streaming", "async", "5"), uint(1))
	f.Add(frame.Append(frame.Append(nil, 'i', frame.ArraySize, "1"), 'i', frame.NodeInfoItem, "h", "1", "2", "0", "up", "1.5", "3", "standby", "0", "", "", "5"), uint(1))
	f.Add(complete('h', "1"), uint(2))
	f.Add(complete('n', "1", "77"), uint(3))
	f.Add(frame.Append(nil, 'p', frame.ProcInfoItem, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"), uint(4))
	f.Add(complete('w', `{"NodeCount":1,"WatchdogNodes":[{"State":4}]}`), uint(5))
	f.Add(frame.AppendRaw(nil, 'b', []byte("ArraySize\x00\x00\x00\x00\x01")), uint(6))
	f.Add(frame.AppendProblem(nil, frame.ErrorReply, frame.Problem{Severity: frame.Error, Message: "no", Detail: "why"}), uint(7))
	f.Fuzz(func(t *testing.T, replies []byte, which uint) {
		c, _ := login(t, replies)
		if err := asks[which%uint(len(asks))](c); err == nil && !bytes.Contains(replies, []byte(frame.Complete)) {
			t.Fatalf("%q is an answer", replies)
		}
	})
}
