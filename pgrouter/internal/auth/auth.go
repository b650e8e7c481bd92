// Package auth lets clients in and logs in to servers.
//
// It is ordinary goroutine code on net.Conn. Both directions stop exactly where the session begins:
// what a client sent behind its last login message stays unread in the connection it returns, and
// what a server sent behind its first ReadyForQuery is kept in Server.Rest.
package auth

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// Door decides who comes in. It is immutable: the router builds a new one when it reloads its files,
// and hands the same Keys to all of them.
type Door struct {
	HBA        *hba.File    // nil: enable_pool_hba is off and the backend's own method counts
	Passwords  *passwd.File // nil: no pool_passwd
	AllowClear bool         // allow_clear_text_frontend_auth: acts only where HBA is nil

	// TLS is offered to clients that ask for it; nil answers 'N'. When it holds exactly one
	// certificate and no callbacks, SCRAM-SHA-256-PLUS is offered too.
	TLS *tls.Config
	// WrapTLS, when not nil, is called with the raw connection before TLS is put on top of it.
	WrapTLS func(net.Conn) net.Conn

	// Dial logs in to a backend as this client, with Client.Credential, and returns Login's result and
	// Login's errors unchanged. It is used where the backend has to judge: HBA is nil, or the line says
	// password and no password is stored. nil: such clients are refused.
	Dial func(context.Context, *Client) (*Server, error)
	// Known tells how a server has let in this user to this database lately. Where HBA is nil the client then only has to
	// prove the same, and no server is asked. nil, or false: one is.
	Known func(*Client) (Precedent, bool)

	Keys *Keys // derived SCRAM keys and the source of randomness; needed
}

// Precedent is a login that a server has accepted.
type Precedent struct {
	Method     hba.Method
	Credential Credential
}

// Client is a client that may come in, or a cancel request.
type Client struct {
	Conn net.Conn             // for everything from here on; TLS inside when TLS is not nil
	TLS  *tls.ConnectionState // nil without TLS

	// Cancel, when not nil, is all there is: act on it and close Conn.
	Cancel *wire.CancelRequest

	Version     uint32 // wire.Version30 up to wire.Version32, after negotiation
	User        string
	Database    string      // the user's name when the client named none
	Params      [][2]string // all other parameters in order, unknown ones included, protocol options not
	Replication string      // the parameter of that name as sent; "" for an ordinary session

	Method     hba.Method // how the client was let in
	Credential Credential // what logs in to a server as this user
	Server     *Server    // the connection that Door.Dial opened, if any; the router owns it now
}

// Request is what Login needs to know.
type Request struct {
	User, Database string      // Database "" leaves the parameter out
	Params         [][2]string // sent behind user and database, in order
	Credential     Credential
	Version        uint32 // to ask for; 0 is wire.Version30. An older server may lower it.

	TLS *tls.Config // nil: no TLS
	// Plain goes on without TLS when the server has none, as Pgpool-II with ssl = on does. When it is
	// false such a server is an error.
	Plain   bool
	WrapTLS func(net.Conn) net.Conn // as Door.WrapTLS
}

// Server is a connection to a server that has said its first ReadyForQuery.
type Server struct {
	Conn    net.Conn
	TLS     *tls.ConnectionState // nil without TLS
	Version uint32
	Method  hba.Method  // what the server asked for; Trust when it asked for nothing
	Params  [][2]string // its ParameterStatus messages in order
	PID     uint32
	Secret  []byte // cancel key: 4 bytes in 3.0, up to 256 in 3.2
	Status  byte   // transaction status of ReadyForQuery, 'I' unless the server is odd
	Notices []byte // raw NoticeResponse messages sent during the login
	Rest    []byte // bytes that came in behind ReadyForQuery and are read already, usually none
}
