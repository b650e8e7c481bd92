// Package conversation is the state machine of one client session and the server sessions behind it.
//
// It is pure: bytes come in (FromClient, FromServer), calls of a World go out. No I/O, no clock, no
// goroutine, so that it is tested by tables and fuzzed by itself, and any driver can run it.
//
// # Units
//
// A client's input is cut into units: a Query, a FunctionCall, or a batch of extended-protocol messages up to
// its Sync or Flush. A unit runs on one server as a whole, because the server runs it as one (implicit)
// transaction. One server at a time answers the client; another one takes over only when nothing is owed by
// the first, so answers never change their order.
//
// # Other servers catch up
//
// What a session has changed for itself (SET, SET ROLE, PREPARE, an open transaction, prepared statements of the
// protocol) happens on one server. Any other gets it as a prologue just before it is used next, and a
// unit is sent only after its prologue has succeeded. So a server connection is opened when it is first needed,
// and a SET costs one round trip however many servers there are.
package conversation
