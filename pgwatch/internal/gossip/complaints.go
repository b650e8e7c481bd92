package gossip

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
)

// logger is where memberlist writes. All of it is for debugging, but what says that a key does not fit: memberlist tells
// that in no other way.
type logger struct{ g *Gossip }

// mismatches are memberlist's words when a packet or a connection was encrypted otherwise, or not at all.
var mismatches = []string{
	"no installed keys could decrypt the message",
	"encryption is configured but remote state is not encrypted",
	"remote state is encrypted and encryption is not configured",
}

// Write implements io.Writer with one line a call, as package log does.
func (l logger) Write(p []byte) (int, error) {
	line := strings.TrimSpace(string(p))
	l.g.Log.Debug(line)
	for _, words := range mismatches {
		_, from, ok := strings.Cut(line, "from=")
		if ok && strings.Contains(strings.ToLower(line), words) {
			host, _, err := net.SplitHostPort(from)
			if err != nil {
				host = from
			}
			l.g.complain(fmt.Sprintf("the heartbeat of %s is refused: its wd_authkey is not the one of this node", host))
		}
	}
	return len(p), nil
}

const (
	complaintLife = 30 * time.Second // after which it counts as mended, and is new when it comes again
	complaintsMax = 16               // the sender of a datagram can be feigned
)

// complaints are what was complained of lately, and when.
type complaints map[string]time.Time

// add reports whether text is new.
func (c *complaints) add(text string) bool {
	if *c == nil {
		*c = complaints{}
	}
	maps.DeleteFunc(*c, func(_ string, at time.Time) bool { return time.Since(at) > complaintLife })
	if _, known := (*c)[text]; !known && len(*c) >= complaintsMax {
		return false
	}
	_, known := (*c)[text]
	(*c)[text] = time.Now()
	return !known
}

// lately are those of the last half minute, in order.
func (c complaints) lately() []string {
	var list []string
	for text, at := range c {
		if time.Since(at) <= complaintLife {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return list
}
