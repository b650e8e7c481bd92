package standby

import (
	"slices"
	"testing"

	"github.com/pgcrew/pgcrew/common/backend"
)

func server(id int, host string, port int) backend.Server {
	return backend.Server{ID: id, Host: host, Port: port}
}

func TestSlotNames(t *testing.T) {
	a, b, c := server(0, "DB-1.example.org", 5432), server(1, "db2", 5432), server(2, "db2", 5433)
	for _, w := range []struct {
		name string
		pair Pair
	}{
		{"db_1_example_org", Pair{Node: a, Cluster: []backend.Server{a, b, c}}},
		{"db2", Pair{Node: b, Cluster: []backend.Server{a, b}}},
		{"db2_5433", Pair{Node: c, Cluster: []backend.Server{a, b, c}}},
	} {
		if got := w.pair.SlotName(); got != w.name {
			t.Errorf("the slot is %s, want %s", got, w.name)
		}
	}
	for _, w := range []struct {
		gone    backend.Server
		cluster []backend.Server
		want    []string
	}{
		{b, []backend.Server{a}, []string{"db2", "db2_5432"}},
		{c, []backend.Server{a, b}, []string{"db2_5433"}},
		{server(7, "db2_5432", 5432), []backend.Server{b}, []string{"db2_5432_5432"}},
		{server(1, "db2", 5432), []backend.Server{server(4, "DB2", 5432)}, nil},
	} {
		if got := LeftSlots(w.gone, w.cluster); !slices.Equal(got, w.want) {
			t.Errorf("%+v leaves %v, want %v", w.gone, got, w.want)
		}
	}
}
