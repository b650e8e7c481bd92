package control

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The limits of a line. An answer lists sessions and may be long; a request is short.
const (
	MaxRequest = 64 << 10
	MaxAnswer  = 16 << 20
)

// A Request asks for one operation.
type Request struct {
	ID   int64           `json:"id"`             // comes back in the answer
	Op   string          `json:"op"`             // such as node.detach
	Args json.RawMessage `json:"args,omitempty"` // depends on the operation
	If   *Condition      `json:"if,omitempty"`   // refuse unless it holds
}

// Condition guards a request against a cluster that has moved on since the asker looked.
type Condition struct {
	Epoch uint64 `json:"epoch"`
}

// Bind reads the arguments into args, a pointer to a struct. Unknown ones are an error, because a
// mistyped one would change what is done. It is for handlers; the error is an *Error.
func (r Request) Bind(args any) error {
	if len(r.Args) == 0 {
		return nil
	}
	if err := strict(r.Args, args); err != nil {
		return &Error{Code: CodeBadRequest, Msg: fmt.Sprintf("%s: arguments %s: %v", r.Op, r.Args, err)}
	}
	return nil
}

// Revision says which state of the cluster an answer reflects.
type Revision struct {
	Epoch uint64 `json:"epoch"`
	Index uint64 `json:"index,omitempty"`
}

// An Answer is what comes back for a Request.
type Answer struct {
	ID  int64           `json:"id"`
	OK  bool            `json:"ok"`
	Rev *Revision       `json:"rev,omitempty"`
	D   json.RawMessage `json:"d,omitempty"`
	Err *Error          `json:"err,omitempty"`
}

// The codes that more than one program uses.
const (
	CodeBadRequest = "bad_request" // the line cannot be read, or an argument is wrong
	CodeUnknownOp  = "unknown_op"  // there is no such operation
	CodeDenied     = "denied"      // this user may not
	CodeBusy       = "busy"        // too many ask at a time
	CodeFailed     = "failed"      // it was tried and did not work
	CodeNotLeader  = "not_leader"  // ask Leader
	CodeStale      = "stale"       // the condition does not hold
)

// An Error is a refusal or a failure as the other side tells it.
type Error struct {
	Code   string `json:"code"`
	Msg    string `json:"msg,omitempty"`
	Hint   string `json:"hint,omitempty"`
	Leader string `json:"leader,omitempty"` // whom to ask instead
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Msg
	if s == "" {
		s = e.Code
	}
	if e.Leader != "" {
		s += ": the leader is " + e.Leader
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// asError gives every error of a handler a code.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeFailed, Msg: err.Error()}
}

// Unknown is what a handler returns for an operation it does not have.
func Unknown(op string) error {
	return &Error{Code: CodeUnknownOp, Msg: fmt.Sprintf("there is no operation %q", op)}
}
