package admin

import (
	"context"
	"encoding/json"
	"testing"
)

func TestShow(t *testing.T) {
	w := newFixed(t)
	for _, name := range shows {
		table, ok := Show(context.Background(), w, name)
		if !ok || len(table.Columns) == 0 || table.Rows == nil {
			t.Errorf("%s: %v, %+v", name, ok, table)
		}
		for _, row := range table.Rows {
			if len(row) != len(table.Columns) {
				t.Errorf("%s: %d columns, but a row is %q", name, len(table.Columns), row)
			}
		}
	}
	table, _ := Show(context.Background(), w, "pool_version")
	if text, err := json.Marshal(table); err != nil || string(text) != `{"columns":["pool_version"],"rows":[["pgrouter 1.2"]]}` {
		t.Errorf("the answer is %s, %v", text, err)
	}
	for _, name := range []string{"", "POOL_NODES", "pool_node", "port"} {
		if _, ok := Show(context.Background(), w, name); ok {
			t.Errorf("there is a table %q", name)
		}
	}
}
