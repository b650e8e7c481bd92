package frame

import (
	"errors"
	"strings"
)

// The severities of a Problem. A server closes the connection after a Fatal one.
const (
	Error  = "ERROR"
	Fatal  = "FATAL"
	Notice = "NOTICE"
)

// A Problem is the payload of an ErrorReply or NoticeReply.
type Problem struct {
	Severity string
	Message  string
	Detail   string // may be empty
}

// Pgpool-II says where in its sources an error was raised, and always the same SQLSTATE. Some clients may look for the
// fields.
const (
	sqlstate = "XX000"
	file     = "pcpd"
	line     = "0"
)

// AppendProblem adds a reply of that kind.
func AppendProblem(dst []byte, kind byte, p Problem) []byte {
	fields := []string{"S" + p.Severity, "C" + sqlstate, "M" + p.Message}
	if p.Detail != "" {
		fields = append(fields, "D"+p.Detail)
	}
	// One more zero byte ends the fields.
	return Append(dst, kind, append(fields, "F"+file, "L"+line, "")...)
}

// ParseProblem reads the payload of an ErrorReply or NoticeReply. Fields that it does not know are passed over.
func ParseProblem(payload []byte) (Problem, error) {
	var p Problem
	rest := string(payload)
	for {
		field, more, ended := strings.Cut(rest, "\x00")
		switch {
		case !ended:
			return p, errors.New("the fields of the error message do not end")
		case field == "":
			return p, nil
		}
		switch rest = more; field[0] {
		case 'S':
			p.Severity = field[1:]
		case 'M':
			p.Message = field[1:]
		case 'D':
			p.Detail = field[1:]
		}
	}
}
