package e2e

import (
	"strings"
	"testing"
)

// TestLogConnections: clients that come and leave are logged when the configuration says so, and only then.
func TestLogConnections(t *testing.T) {
	needRouter(t)
	c := shared(t)
	for _, on := range []bool{true, false} {
		lines := reads
		if on {
			lines += "log_connections = on\nlog_disconnections = on\n"
		}
		r := start(t, c, lines)
		at := len(r.log.String())
		p := r.connect(t)
		want(t, "a read", simple(t, p, "SELECT name FROM items WHERE id = 1"), "item 1")
		p.Close(within(t))
		if on {
			at = r.saw(t, at, `msg="client connected" client=127.0.0.1:`)
			r.saw(t, 0, `msg="client disconnected" client=127.0.0.1:`)
			continue
		}
		r.end(t)
		if text := r.log.String(); strings.Contains(text, "connected") {
			t.Errorf("nobody asked for it:\n%s", text)
		}
	}
}
