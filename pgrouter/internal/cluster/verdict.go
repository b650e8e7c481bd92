package cluster

import "github.com/pgcrew/pgcrew/common/probe"

// condition is what an attempt to talk to a server says of it.
type condition uint8

const (
	unseen   condition = iota // nothing is known
	alive                     // it answers, with rows or with an error of its own
	starting                  // it answers that it takes no sessions now: starting up, recovering or shutting down
	dead                      // it does not answer
)

// judge reads the error of a login or a query. ok is false when the error says nothing of the server, because the
// fault is this host's or we gave up ourselves.
//
// A server that refuses us alone, for a wrong password, a missing database or too many connections, lives.
func judge(err error) (c condition, ok bool) {
	switch probe.Judge(err) {
	case probe.Ours:
		return unseen, false
	case probe.Starting, probe.Stopping:
		return starting, true
	case probe.Refused, probe.Silent:
		return dead, true
	default:
		return alive, true
	}
}
