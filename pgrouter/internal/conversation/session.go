package conversation

import (
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// holdLimit is how much of a unit is held back to see what it is, in bytes. A longer one goes to the
// primary as it arrives.
const holdLimit = 64 << 10

// A World is what a Session asks of whoever drives it. No call may come back into the Session before it
// returns; answers (Attached, AttachFailed, Answered) and Retry's FromClient follow later.
type World interface {
	// ToClient and ToServer send bytes that are only valid during the call.
	ToClient(b []byte)
	ToServer(srv *Server, b []byte)
	// Retry asks for FromClient to be called with the bytes that it left.
	Retry()
	// PrimaryNode is the node that takes writes, -1 when none is known. ReadNode is where the session's next
	// balanced read goes; it may be the primary.
	PrimaryNode() int
	ReadNode() int
	// Attach asks for a server connection on node (-1: on the primary, when there is one again).
	Attach(node int)
	// Classify reads one statement string. ClassifyParse does so for a Parse, whose text often comes again word for word.
	Classify(sql []byte, env *Env) route.Verdict
	ClassifyParse(sql []byte, env *Env) route.Verdict
	// Answer asks for the reply to a Query (or messages of the extended protocol without their Sync) that
	// pgrouter answers itself. The bytes are only valid during the call.
	Answer(unit []byte)
	// IsLocal tells cheaply whether a statement is one that pgrouter answers itself.
	IsLocal(sql []byte) bool
	// OwnsStatement says whether a prepared statement lives with Answer.
	OwnsStatement(name []byte) bool
	// Count is told of every statement that is sent: where, of which kind, and the first letter of its text in
	// lower case. CountError is told of every ErrorResponse.
	Count(node int, class route.Class, flags route.Flag, verb byte)
	CountError(node int, severity string)
	// Drop gives up a server connection that cannot be used any more.
	Drop(srv *Server)
	// Released gives back a server connection after End, clean for another session.
	Released(srv *Server)
	// Close ends the client's connection, after telling it why if why is not nil.
	Close(why *wire.Error)
}

// Env is what the text of a statement means to this session, beyond its words.
type Env struct {
	OddStrings bool           // standard_conforming_strings is off
	Encoding   route.Encoding // of client_encoding, as the server reported it
	Routing    *route.Session // the session's own temporary relations are there
}

type stage uint8

const (
	ready        stage = iota
	waitDrain          // for the active server to have answered everything
	waitAttach         // for a server connection
	waitPrologue       // for a server to have caught up
	waitAnswer         // for pgrouter's own answer
	ended
)

// A Session is one client's conversation. Make it with New; its owner's goroutine is the only one that touches it.
type Session struct {
	w       World
	env     Env
	routing route.Session
	servers []*Server
	active  *Server // the one that answers the client
	home    *Server // where the open transaction began; nil outside of one
	passTo  *Server // takes the rest of a message that is passing through; nil: nobody does
	pass    int     // how many bytes of it are still to come
	drop    int     // how many bytes of input are answered already

	stmts   map[string]*statement
	unnamed *statement
	batch   *batch         // what is known of the batch being sent
	portals map[string]int // on which node the named portals of the open transaction are
	replay  *replay

	again     []byte   // a batch that comes before the client's further input, because its server has not begun it
	coming    []effect // of the unit that is not sent yet
	next      unit
	boundAt   int16 // on which node the unnamed portal is
	answerEnd byte  // what ends the batch that pgrouter answers itself
	stage     stage
	status    byte       // transaction state as the client sees it; of the last ReadyForQuery
	begin     route.Flag // how the open transaction was begun
	streaming bool       // an extended batch goes to the active server message by message
	skip      bool       // after an error of our own: ignore all up to Sync
	failed    bool       // an ErrorResponse came since routing was settled
	here      bool       // the open transaction must stay on the primary
	reading   bool       // what runs is one read and nothing else
	rebegin   bool       // the open transaction has lost its only server, and begins anew on the next one
	mixed     bool       // a string of statements both changes state and ends transactions
	repeats   uint8      // how often what comes next has lost its server before that began it
	pinned    bool       // the session must stay on the primary: it has state that cannot be replayed
}

// New starts a session whose login is done.
func New(w World) *Session {
	s := &Session{w: w, status: wire.Idle, boundAt: -1}
	s.env.Routing = &s.routing
	return s
}

// Obey puts a routing policy in force: before the first statement, or between transactions.
func (s *Session) Obey(p *route.Policy) { s.routing.Policy = p }

// Status is the transaction state as the client sees it.
func (s *Session) Status() byte { return s.status }

// Busy reports whether the client waits for an answer.
func (s *Session) Busy() bool {
	return s.stage != ready || s.streaming || len(s.again) > 0 || s.active != nil && s.active.owes()
}

// Quiet reports whether the session could be ended without cutting a transaction.
func (s *Session) Quiet() bool { return !s.Busy() && s.status == wire.Idle && s.pass == 0 }

// Reading reports whether what the client waits for is one read, which is of no use to anybody else.
func (s *Session) Reading() bool { return s.reading && s.status == wire.Idle && !s.streaming }

// Active is the server that answers the client now, or nil.
func (s *Session) Active() *Server { return s.active }

// Server finds the attached server connection of a node, or nil.
func (s *Session) Server(node int) *Server {
	for _, srv := range s.servers {
		if srv.Node == node {
			return srv
		}
	}
	return nil
}

// Servers are the attached server connections.
func (s *Session) Servers() []*Server { return s.servers }

// Report takes a ParameterStatus of the login into account.
func (s *Session) Report(name, value string) {
	switch name {
	case "standard_conforming_strings":
		s.env.OddStrings = value == "off"
	case "client_encoding":
		s.env.Encoding = route.ClientEncoding(value)
	}
}

// primary is the node for what must not be balanced; -1 when none is known.
func (s *Session) primary() int { return s.w.PrimaryNode() }

// reader is the node for a balanced read in the session's present state.
func (s *Session) reader() int {
	if s.pinned || s.here {
		return s.primary()
	}
	if n := s.w.ReadNode(); n >= 0 {
		return n
	}
	return s.primary()
}
