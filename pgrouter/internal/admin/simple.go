package admin

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Query answers a statement of the simple protocol that Match has taken: RowDescription, DataRow..., CommandComplete,
// or an ErrorResponse. The caller adds ReadyForQuery with the session's own transaction status.
func (e *Engine) Query(ctx context.Context, sql string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A simple query ends the unnamed statement and portal.
	delete(e.statements, "")
	delete(e.portals, "")
	return encode(e.query(ctx, sql)...)
}

func (e *Engine) query(ctx context.Context, sql string) []pgproto3.BackendMessage {
	st, err := parse(sql)
	if err != nil {
		return []pgproto3.BackendMessage{asProblem(err).response()}
	}
	if st.verb == emptyText {
		return []pgproto3.BackendMessage{&pgproto3.EmptyQueryResponse{}}
	}
	names, err := e.describe(&st)
	if err != nil {
		return []pgproto3.BackendMessage{asProblem(err).response()}
	}
	rows, tag, err := e.run(ctx, st)
	if err != nil {
		return []pgproto3.BackendMessage{asProblem(err).response()}
	}
	var out []pgproto3.BackendMessage
	if names != nil {
		out = append(out, description(names, nil))
	}
	for _, r := range rows {
		out = append(out, dataRow(r))
	}
	return append(out, &pgproto3.CommandComplete{CommandTag: []byte(tag)})
}

// description describes columns of text. formats is Bind's list: none, one for all, or one for each.
func description(names []string, formats []int16) *pgproto3.RowDescription {
	d := &pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{}}
	for i, name := range names {
		f := pgproto3.FieldDescription{Name: []byte(name), DataTypeOID: textOID, DataTypeSize: -1, TypeModifier: -1}
		switch len(formats) {
		case 0:
		case 1:
			f.Format = formats[0]
		default:
			f.Format = formats[i]
		}
		d.Fields = append(d.Fields, f)
	}
	return d
}

// textOID is the type text of PostgreSQL. Its binary format is the text itself.
const textOID = 25

func dataRow(row []string) *pgproto3.DataRow {
	d := &pgproto3.DataRow{Values: make([][]byte, len(row))}
	for i, v := range row {
		d.Values[i] = []byte(v)
	}
	return d
}

// encode writes messages. Those made here are all far below the limits of the protocol.
func encode(messages ...pgproto3.BackendMessage) []byte {
	var out []byte
	for _, m := range messages {
		next, err := m.Encode(out)
		if err != nil {
			next, _ = (&problem{code: "XX000", message: "answer: " + err.Error()}).response().Encode(out)
		}
		out = next
	}
	return out
}
