package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/hba"
)

// SQLSTATE codes that a login can end with.
const (
	codeProtocol = "08P01" // protocol_violation
	codeConnect  = "08006" // connection_failure
	codeRejected = "28000" // invalid_authorization_specification
	codePassword = "28P01" // invalid_password
	codeTimeout  = "57014" // query_canceled, what PostgreSQL says at authentication_timeout
	codeShutdown = "57P01" // admin_shutdown
)

// Refusal is a client that was not let in. Code, Message, Detail and Hint are what the client saw;
// Cause is for the log only.
type Refusal struct {
	Code, Message, Detail, Hint string
	Cause                       error
}

// Error is the text for the log.
func (e *Refusal) Error() string {
	s := e.Message
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Refusal) Unwrap() error { return e.Cause }

// ServerError is the answer of a server that did not let us in.
type ServerError struct {
	Response pgproto3.ErrorResponse
	Raw      []byte // the whole message, type and length included, to be passed on as it is
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("server: %s (SQLSTATE %s)", e.Response.Message, e.Response.Code)
}

// MethodError is a server that asks for what the Credential does not have.
type MethodError struct {
	User   string
	Method hba.Method
	Have   string // what there is: "no password", "an md5 hash", ...
}

func (e *MethodError) Error() string {
	return fmt.Sprintf("server asks user %q for %s and there is %s", e.User, e.Method, e.Have)
}

// ErrorResponse returns the message that a client should see for an error of Accept or Login.
// A *ServerError passes on what the server said.
func ErrorResponse(err error) []byte {
	var server *ServerError
	if errors.As(err, &server) && len(server.Raw) > 0 {
		return server.Raw
	}
	r := refusalOf(err)
	return encode(&pgproto3.ErrorResponse{
		Severity: "FATAL", SeverityUnlocalized: "FATAL",
		Code: r.Code, Message: r.Message, Detail: r.Detail, Hint: r.Hint,
	})
}

func refusalOf(err error) *Refusal {
	var refusal *Refusal
	var method *MethodError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &method):
		return &Refusal{
			Code:    codePassword,
			Message: fmt.Sprintf("password authentication failed for user %q", method.User),
			Detail:  fmt.Sprintf("the server asks for %s and pgrouter has %s for this user", method.Method, method.Have),
			Hint:    "Store the user's password in pool_passwd as clear text, TEXT or AES.",
			Cause:   err,
		}
	case isTimeout(err):
		return &Refusal{Code: codeTimeout, Message: "canceling authentication due to timeout", Cause: err}
	case errors.Is(err, context.Canceled):
		return &Refusal{Code: codeShutdown, Message: "terminating connection due to administrator command", Cause: err}
	}
	return &Refusal{Code: codeConnect, Message: "could not log in to the server", Detail: err.Error(), Cause: err}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// encode is for messages that we fill ourselves and that cannot be too long.
func encode(m pgproto3.Message) []byte {
	b, err := m.Encode(nil)
	if err != nil {
		panic(err)
	}
	return b
}
