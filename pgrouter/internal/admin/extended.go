package admin

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5/pgproto3"
)

// most is how many prepared statements or portals a session may have here.
const most = 1000

// portal is a bound statement and, once it was executed, the rows that are left.
type portal struct {
	statement
	columns []string
	formats []int16
	run     bool
	rows    [][]string
	tag     string
}

// Owns tells whether a prepared statement of this name lives here.
func (e *Engine) Owns(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.statements[name]
	return ok
}

// Batch answers whole messages of the extended protocol that concern statements from here: Parse, Bind, Describe,
// Execute, Close and Flush. After an error the rest is skipped and failed is true: the caller then skips all messages up
// to the next Sync, whose ReadyForQuery is the caller's too.
func (e *Engine) Batch(ctx context.Context, messages []byte) (reply []byte, failed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(messages) > 0 {
		var body []byte
		kind := messages[0]
		if body, messages = cut(messages); body == nil {
			return append(reply, encode((&problem{"08P01", "message is cut off", ""}).response())...), true
		}
		out, err := e.message(ctx, kind, body)
		if err != nil {
			return append(reply, encode(asProblem(err).response())...), true
		}
		reply = append(reply, encode(out...)...)
	}
	return reply, false
}

// cut takes the first message apart; body is nil when it is not whole.
func cut(messages []byte) (body, rest []byte) {
	if len(messages) < 5 {
		return nil, nil
	}
	size := binary.BigEndian.Uint32(messages[1:])
	if size < 4 || uint64(size)+1 > uint64(len(messages)) {
		return nil, nil
	}
	return messages[5 : size+1 : size+1], messages[size+1:]
}

// message answers one message.
func (e *Engine) message(ctx context.Context, kind byte, body []byte) ([]pgproto3.BackendMessage, error) {
	var err error
	decode := func(m pgproto3.FrontendMessage) bool {
		if cause := m.Decode(body); cause != nil {
			err = &problem{"08P01", fmt.Sprintf("message %q: %v", kind, cause), ""}
		}
		return err == nil
	}
	switch kind {
	case 'P':
		var m pgproto3.Parse
		if decode(&m) {
			return one(&pgproto3.ParseComplete{}, e.parse(&m))
		}
	case 'B':
		var m pgproto3.Bind
		if decode(&m) {
			return one(&pgproto3.BindComplete{}, e.bind(&m))
		}
	case 'D':
		var m pgproto3.Describe
		if decode(&m) {
			return e.describeMessage(&m)
		}
	case 'E':
		var m pgproto3.Execute
		if decode(&m) {
			return e.execute(ctx, &m)
		}
	case 'C':
		var m pgproto3.Close
		if decode(&m) {
			if m.ObjectType == 'S' {
				delete(e.statements, m.Name)
			} else {
				delete(e.portals, m.Name)
			}
			return one(&pgproto3.CloseComplete{}, nil)
		}
	case 'H':
		return nil, nil
	default:
		err = &problem{"08P01", fmt.Sprintf("message %q has no place in a batch of the extended protocol", kind), ""}
	}
	return nil, err
}

func one(m pgproto3.BackendMessage, err error) ([]pgproto3.BackendMessage, error) {
	return []pgproto3.BackendMessage{m}, err
}

func (e *Engine) parse(m *pgproto3.Parse) error {
	if m.Query != "" && !Match([]byte(m.Query)) {
		return &problem{"0A000", "statements for pgrouter and for a server cannot be in one pipeline",
			"Send a Sync between them."}
	}
	if _, ok := e.statements[m.Name]; ok && m.Name != "" {
		return &problem{"42P05", fmt.Sprintf("prepared statement %q already exists", m.Name), ""}
	}
	if len(e.statements) >= most {
		return &problem{"54000", fmt.Sprintf("more than %d prepared statements of pgrouter's own", most), "Close some."}
	}
	st, err := parse(m.Query)
	if err != nil {
		return err
	}
	if _, err := e.describe(&st); err != nil {
		return err
	}
	if e.statements == nil {
		e.statements = map[string]statement{}
	}
	e.statements[m.Name] = st
	return nil
}

func (e *Engine) bind(m *pgproto3.Bind) error {
	st, ok := e.statements[m.PreparedStatement]
	if !ok {
		return noStatement(m.PreparedStatement)
	}
	if len(m.Parameters) > 0 {
		return &problem{"08P01", fmt.Sprintf("bind message supplies %d parameters, but prepared statement %q requires 0",
			len(m.Parameters), m.PreparedStatement), ""}
	}
	// Sync ends portals and is not seen here, so an old one of the same name is none any more.
	if len(e.portals) >= most {
		maps.DeleteFunc(e.portals, func(_ string, p *portal) bool { return p.run && len(p.rows) == 0 })
	}
	if len(e.portals) >= most {
		return &problem{"54000", fmt.Sprintf("more than %d portals of pgrouter's own", most), "Close some."}
	}
	names, err := e.describe(&st)
	if err != nil {
		return err
	}
	formats := m.ResultFormatCodes
	if len(formats) > 1 && len(formats) != len(names) {
		return &problem{"08P01", fmt.Sprintf("bind message has %d result formats but query has %d columns",
			len(formats), len(names)), ""}
	}
	for _, f := range formats {
		if f != 0 && f != 1 {
			return &problem{"22023", fmt.Sprintf("unsupported format code: %d", f), ""}
		}
	}
	if e.portals == nil {
		e.portals = map[string]*portal{}
	}
	e.portals[m.DestinationPortal] = &portal{statement: st, columns: names, formats: formats}
	return nil
}

func (e *Engine) describeMessage(m *pgproto3.Describe) ([]pgproto3.BackendMessage, error) {
	var out []pgproto3.BackendMessage
	var names []string
	var formats []int16
	if m.ObjectType == 'S' {
		st, ok := e.statements[m.Name]
		if !ok {
			return nil, noStatement(m.Name)
		}
		var err error
		if names, err = e.describe(&st); err != nil {
			return nil, err
		}
		out = append(out, &pgproto3.ParameterDescription{})
	} else {
		p, ok := e.portals[m.Name]
		if !ok {
			return nil, noPortal(m.Name)
		}
		names, formats = p.columns, p.formats
	}
	if names == nil {
		return append(out, &pgproto3.NoData{}), nil
	}
	return append(out, description(names, formats)), nil
}

// execute sends the rows of a portal, at most as many as asked for.
func (e *Engine) execute(ctx context.Context, m *pgproto3.Execute) ([]pgproto3.BackendMessage, error) {
	p, ok := e.portals[m.Portal]
	if !ok {
		return nil, noPortal(m.Portal)
	}
	if p.verb == emptyText {
		return one(&pgproto3.EmptyQueryResponse{}, nil)
	}
	if !p.run {
		var err error
		if p.rows, p.tag, err = e.run(ctx, p.statement); err != nil {
			return nil, err
		}
		p.run = true
	} else if p.columns == nil {
		return nil, &problem{"55000", fmt.Sprintf("portal %q cannot be run", m.Portal), ""}
	}
	n := len(p.rows)
	suspended := m.MaxRows > 0 && n >= int(m.MaxRows)
	if suspended {
		n = int(m.MaxRows)
	}
	var out []pgproto3.BackendMessage
	for _, r := range p.rows[:n] {
		out = append(out, dataRow(r))
	}
	p.rows = p.rows[n:]
	if suspended {
		return append(out, &pgproto3.PortalSuspended{}), nil
	}
	tag := p.tag
	if p.columns != nil {
		tag = fmt.Sprintf("SELECT %d", n) // of this Execute, as a server counts
	}
	return append(out, &pgproto3.CommandComplete{CommandTag: []byte(tag)}), nil
}

func noStatement(name string) error {
	if name == "" {
		return &problem{"26000", "unnamed prepared statement does not exist", ""}
	}
	return &problem{"26000", fmt.Sprintf("prepared statement %q does not exist", name), ""}
}

func noPortal(name string) error {
	return &problem{"34000", fmt.Sprintf("portal %q does not exist", name), ""}
}
