// Package wire knows the frames of the PostgreSQL protocol (version 3): where a message ends,
// and how the few messages that pgrouter itself says are built.
//
// Nothing here allocates for a message that only passes through. Sources: PostgreSQL manual,
// chapter "Frontend/Backend Protocol", sections Message Formats and Message Flow.
package wire

import (
	"bytes"
	"encoding/binary"
)

// HeaderSize is the length of a message's type byte and length word, in bytes.
const HeaderSize = 5

// MaxMessage is the largest message PostgreSQL itself accepts (PQ_LARGE_MESSAGE_LIMIT), in bytes.
const MaxMessage = 1<<30 - 1

// Messages of the client.
const (
	Bind         = 'B'
	Close        = 'C'
	CopyFail     = 'f'
	Describe     = 'D'
	Execute      = 'E'
	Flush        = 'H'
	FunctionCall = 'F'
	Parse        = 'P'
	Password     = 'p'
	Query        = 'Q'
	Sync         = 'S'
	Terminate    = 'X'
)

// Messages of the server.
const (
	Authentication       = 'R'
	BackendKeyData       = 'K'
	BindComplete         = '2'
	CloseComplete        = '3'
	CommandComplete      = 'C'
	CopyBothResponse     = 'W'
	CopyInResponse       = 'G'
	CopyOutResponse      = 'H'
	DataRow              = 'D'
	ErrorResponse        = 'E'
	NoticeResponse       = 'N'
	NotificationResponse = 'A'
	ParameterStatus      = 'S'
	ParseComplete        = '1'
	ReadyForQuery        = 'Z'
)

// Messages of both sides while COPY runs.
const (
	CopyData = 'd'
	CopyDone = 'c'
)

// Transaction states as ReadyForQuery tells them.
const (
	Idle   byte = 'I'
	InTx   byte = 'T'
	Failed byte = 'E'
)

// Header reads the type and whole size (header included, in bytes) of the message at the start of b.
// ok is false while b is too short to tell. A size below HeaderSize is a protocol violation of the peer.
func Header(b []byte) (typ byte, size int, ok bool) {
	if len(b) < HeaderSize {
		return 0, 0, false
	}
	return b[0], int(int32(binary.BigEndian.Uint32(b[1:]))) + 1, true
}

// CString returns the NUL-terminated string at the start of b and what follows it.
func CString(b []byte) (s, rest []byte, ok bool) {
	for i, c := range b {
		if c == 0 {
			return b[:i], b[i+1:], true
		}
	}
	return nil, nil, false
}

// Text returns the NUL-terminated string at the start of b. It is CString for statements: with more than a few bytes it
// is the faster one, with names, which are mostly empty, the slower one.
func Text(b []byte) (text []byte, ok bool) {
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		return nil, false
	}
	return b[:n], true
}
