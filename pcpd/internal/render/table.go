package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A column is one value of each row.
type column struct {
	title  string // in verbose output
	name   string // in JSON
	number bool   // in JSON
}

// A table is printed one row a line, or one value a line with the title before it.
type table struct {
	columns []column
	rows    [][]string // a row may be shorter than columns
	tight   bool       // no empty line after a row in verbose output
}

func (p *Printer) table(t table) error {
	if p.JSON {
		return p.objects(t)
	}
	width := 0
	for _, c := range t.columns {
		width = max(width, len(c.title))
	}
	for _, row := range t.rows {
		if err := p.row(t, row, width); err != nil {
			return err
		}
	}
	return nil
}

func (p *Printer) row(t table, row []string, width int) error {
	if !p.Verbose {
		return p.printf("%s\n", strings.Join(row, " "))
	}
	var b strings.Builder
	for i, value := range row {
		fmt.Fprintf(&b, "%-*s : %s\n", width, t.columns[i].title, value)
	}
	if !t.tight {
		b.WriteByte('\n')
	}
	return p.printf("%s", b.String())
}

// objects prints an array with an object for each row, its values in the order of the columns.
func (p *Printer) objects(t table) error {
	all := make([]object, len(t.rows))
	for i, row := range t.rows {
		all[i] = object{p.kind(), t.columns, row}
	}
	return p.json(all)
}

// An object is a row as JSON. Empty values are left out.
type object struct {
	kind    string
	columns []column
	row     []string
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"type":%q`, o.kind)
	for i, value := range o.row {
		if value == "" {
			continue
		}
		var v any = value
		if o.columns[i].number && json.Valid([]byte(value)) {
			v = json.RawMessage(value)
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `,%q:%s`, o.columns[i].name, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
