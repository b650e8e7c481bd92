package auth

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// message acts on one message and says whether it was ReadyForQuery.
func (l *login) message(typ byte, body, raw []byte) (done bool, err error) {
	switch typ {
	case 'R':
		return false, l.authentication(body)
	case 'E':
		e := &ServerError{Raw: append([]byte(nil), raw...)}
		if err := e.Response.Decode(body); err != nil {
			return false, fmt.Errorf("server sent a malformed ErrorResponse: %w", err)
		}
		return false, e
	case 'N':
		l.server.Notices = append(l.server.Notices, raw...)
		if len(l.server.Notices) > maxLoginMessage {
			return false, fmt.Errorf("server sent more than %d bytes of notices during login", maxLoginMessage)
		}
		return false, nil
	case 'v':
		return false, l.negotiated(body)
	}
	if !l.ok {
		return false, fmt.Errorf("server sent a message of type %q before AuthenticationOk", typ)
	}
	switch typ {
	case 'S':
		var m pgproto3.ParameterStatus
		if err := m.Decode(body); err != nil {
			return false, fmt.Errorf("server sent a malformed ParameterStatus: %w", err)
		}
		l.server.Params = append(l.server.Params, [2]string{m.Name, m.Value})
		if len(l.server.Params) > 1000 {
			return false, errors.New("server sent more than 1000 ParameterStatus messages during login")
		}
		return false, nil
	case 'K':
		if len(body) < 4+wire.MinCancelKey || len(body) > 4+wire.MaxCancelKey {
			return false, fmt.Errorf("server sent a cancel key of %d bytes", len(body)-4)
		}
		l.server.PID = binary.BigEndian.Uint32(body)
		l.server.Secret = append([]byte(nil), body[4:]...)
		return false, nil
	case 'Z':
		if len(body) != 1 {
			return false, errors.New("server sent a malformed ReadyForQuery")
		}
		l.server.Status = body[0]
		return true, nil
	}
	return false, fmt.Errorf("server sent a message of type %q during login", typ)
}

// negotiated takes the version that an older server wants to speak.
func (l *login) negotiated(body []byte) error {
	var m pgproto3.NegotiateProtocolVersion
	if err := m.Decode(body); err != nil {
		return fmt.Errorf("server sent a malformed NegotiateProtocolVersion: %w", err)
	}
	if m.NewestMinorProtocol < wire.Version30 || m.NewestMinorProtocol > l.server.Version {
		return fmt.Errorf("server wants protocol %d.%d", m.NewestMinorProtocol>>16, m.NewestMinorProtocol&0xffff)
	}
	l.server.Version = m.NewestMinorProtocol
	return nil
}
