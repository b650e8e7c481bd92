package link

import "github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"

// A Kind says whose message it is.
type Kind uint8

// The kinds of messages.
const (
	Raft    Kind = 1 + iota // a raft message
	Ask                     // a report, which asks the leader for leases
	Grant                   // the leader's answer to it
	Request                 // an operator's request that the leader carries out
	Answer                  // its answer
)

// MaxBody is the most bytes that a message may have.
const MaxBody = 1 << 20

// A Message goes from one node to another. It can be lost.
type Message struct {
	Kind Kind
	Body []byte // at most MaxBody; not changed after Send or Receive
}

// A Handler is told what comes. It is called from the goroutines of a Link, never twice at a time for the same peer,
// and must not block.
type Handler interface {
	// Receive takes a message. Its sender has proved that it knows the key; it need not be one of the peers that were set.
	Receive(from clustermap.NodeID, m Message)

	// Up says that messages reach a peer. It comes again, without Gone before, when the connection was lost meanwhile.
	Up(peer clustermap.NodeID)

	// Gone says that the process of a peer that was up has ended: its host refuses connections now. Silence, lost
	// packets and frozen processes are never Gone. A firewall that resets connections looks like it.
	Gone(peer clustermap.NodeID)
}
