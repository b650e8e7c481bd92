package command

import (
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/pcpd/internal/crew"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// refusal is an error as the client gets it.
type refusal frame.Problem

// Error implements error.
func (r *refusal) Error() string {
	if r.Detail == "" {
		return r.Message
	}
	return r.Message + ": " + r.Detail
}

// refuse makes the error with which most requests are refused.
func refuse(message, detail string, values ...any) error {
	return &refusal{Severity: frame.Error, Message: message, Detail: fmt.Sprintf(detail, values...)}
}

// failed says why a request failed, in the words of who was asked.
func failed(message string, err error) *refusal {
	msg, hint := crew.Said(err)
	msg = strings.Join(strings.FieldsFunc(msg, func(r rune) bool { return r == '\n' }), "; ")
	if hint != "" {
		msg += " (" + hint + ")"
	}
	return &refusal{Severity: frame.Error, Message: message, Detail: msg}
}
