package node

import (
	"reflect"
	"testing"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// What a recovery throws away is told once.
func TestDiscardedDataIsTold(t *testing.T) {
	var told []event.Payload
	p := &publisher{runs: map[int]report.Recovery{}, tell: func(e event.Payload, _ event.At) { told = append(told, e) }}
	r := report.Recovery{ID: "a", Backend: 2, Step: "stop"}
	see := func() { p.recoveries(&authority.View{Recoveries: []report.Recovery{r}}) }
	see()
	r.Step, r.Discarded = "divergent", report.Discarded{Bytes: 7, From: "0/1", To: "0/8", Saved: "/d.diverged/1"}
	see()
	see()
	r.Step = "rewind"
	see()
	r.Done = true
	see()
	var got []event.DataDiscarded
	for _, e := range told {
		if d, ok := e.(event.DataDiscarded); ok {
			got = append(got, d)
		}
	}
	want := []event.DataDiscarded{{Node: 2, FromLSN: "0/1", ToLSN: "0/8", Bytes: 7, Saved: "/d.diverged/1"}}
	if !reflect.DeepEqual(got, want) || len(told) != 5 {
		t.Errorf("told was %+v", told)
	}
}
