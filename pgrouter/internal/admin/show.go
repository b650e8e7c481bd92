package admin

import "context"

// Table is what SHOW POOL_... answers with, for those who ask over the control socket instead of SQL.
type Table struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Show answers SHOW name, such as pool_nodes, outside of any session. ok is false when there is no such table.
func Show(ctx context.Context, w World, name string) (table Table, ok bool) {
	table.Columns, ok = columns[name]
	if !ok {
		return table, false
	}
	table.Rows = New(w).show(ctx, name)
	if table.Rows == nil {
		table.Rows = [][]string{}
	}
	return table, true
}
