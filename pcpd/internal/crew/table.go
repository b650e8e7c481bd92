package crew

import (
	"context"
	"fmt"
	"slices"
)

// A Table is what SHOW POOL_... shows.
type Table struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Show asks the router of this host for a table, such as pool_status. All rows have as many columns as there are names.
func (c Crew) Show(ctx context.Context, name string) (t Table, err error) {
	args := struct {
		Name string `json:"name"`
	}{name}
	if err := c.ask(ctx, quick, router, "show", args, &t); err != nil {
		return Table{}, err
	}
	for _, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return Table{}, fmt.Errorf("pgrouter answered for %s with a row of %d columns instead of %d", name, len(row), len(t.Columns))
		}
	}
	return t, nil
}

// Get returns the value of a column of a row; "" when there is no such column.
func (t Table) Get(row []string, column string) string {
	if i := slices.Index(t.Columns, column); i >= 0 {
		return row[i]
	}
	return ""
}

// With returns the first row whose column has that value, or nil.
func (t Table) With(column, value string) []string {
	for _, row := range t.Rows {
		if t.Get(row, column) == value {
			return row
		}
	}
	return nil
}
