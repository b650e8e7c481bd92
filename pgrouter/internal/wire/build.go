package wire

import (
	"encoding/binary"
	"strings"
)

// begin starts a message of type typ; finish fills in its length.
func begin(dst []byte, typ byte) ([]byte, int) {
	return append(dst, typ, 0, 0, 0, 0), len(dst) + 1
}

func finish(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

func appendCString(dst []byte, s string) []byte { return append(append(dst, s...), 0) }

// AppendQuery appends a simple Query.
func AppendQuery(dst []byte, sql string) []byte {
	dst, at := begin(dst, Query)
	return finish(appendCString(dst, sql), at)
}

// AppendSync appends a Sync.
func AppendSync(dst []byte) []byte { return append(dst, Sync, 0, 0, 0, 4) }

// AppendTerminate appends a Terminate.
func AppendTerminate(dst []byte) []byte { return append(dst, Terminate, 0, 0, 0, 4) }

// AppendCloseStatement appends a Close of a prepared statement. Closing one that does not exist is no error.
func AppendCloseStatement(dst []byte, name string) []byte {
	dst, at := begin(dst, Close)
	return finish(appendCString(append(dst, 'S'), name), at)
}

// AppendReady appends a ReadyForQuery with a transaction state.
func AppendReady(dst []byte, status byte) []byte {
	return append(dst, ReadyForQuery, 0, 0, 0, 5, status)
}

// AppendAuthenticationOK appends what ends an authentication.
func AppendAuthenticationOK(dst []byte) []byte {
	return append(dst, Authentication, 0, 0, 0, 8, 0, 0, 0, 0)
}

// AppendParameterStatus appends a ParameterStatus.
func AppendParameterStatus(dst []byte, name, value string) []byte {
	dst, at := begin(dst, ParameterStatus)
	return finish(appendCString(appendCString(dst, name), value), at)
}

// AppendBackendKeyData appends the key with which a client may cancel.
// The secret has 4 bytes in protocol 3.0, up to 256 in 3.2.
func AppendBackendKeyData(dst []byte, pid uint32, secret []byte) []byte {
	dst, at := begin(dst, BackendKeyData)
	dst = binary.BigEndian.AppendUint32(dst, pid)
	return finish(append(dst, secret...), at)
}

// An Error is what pgrouter itself has to say to a client: an ErrorResponse with a SQLSTATE.
type Error struct {
	Severity string // ERROR, FATAL; empty means ERROR
	Code     string // SQLSTATE
	Message  string
	Detail   string
	Hint     string
}

// Error returns the message with its SQLSTATE, for logs.
func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

// AppendError appends e as an ErrorResponse.
func AppendError(dst []byte, e *Error) []byte {
	severity := e.Severity
	if severity == "" {
		severity = "ERROR"
	}
	dst, at := begin(dst, ErrorResponse)
	for _, f := range [...]struct {
		field byte
		text  string
	}{{'S', severity}, {'V', severity}, {'C', e.Code}, {'M', e.Message}, {'D', e.Detail}, {'H', e.Hint}} {
		if f.text != "" {
			// A NUL inside would end the field early and shift all that follow.
			dst = appendCString(append(dst, f.field), strings.ReplaceAll(f.text, "\x00", "?"))
		}
	}
	return finish(append(dst, 0), at)
}

// ErrorFields finds the fields that decide what to do about an ErrorResponse's body (without header).
func ErrorFields(body []byte) (severity, code, message string) {
	for len(body) > 1 && body[0] != 0 {
		field := body[0]
		text, rest, ok := CString(body[1:])
		if !ok {
			return
		}
		switch field {
		case 'V':
			severity = string(text)
		case 'S':
			if severity == "" {
				severity = string(text)
			}
		case 'C':
			code = string(text)
		case 'M':
			message = string(text)
		}
		body = rest
	}
	return
}
