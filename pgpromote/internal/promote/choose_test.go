package promote

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	standby := func(node int, timeline uint32, received uint64) Position {
		return Position{Node: node, SystemID: "s", Standby: true, Timeline: timeline, Received: received}
	}
	primary := Position{Node: 9, SystemID: "s", Timeline: 5}
	two := 2
	for name, c := range map[string]struct {
		positions []Position
		want      *int
		node      int
		err       string
	}{
		"most WAL":        {[]Position{standby(1, 1, 10), standby(2, 1, 20)}, nil, 2, ""},
		"newer timeline":  {[]Position{standby(1, 2, 10), standby(2, 1, 20)}, nil, 1, ""},
		"lowest number":   {[]Position{standby(3, 1, 10), standby(1, 1, 10)}, nil, 1, ""},
		"the one named":   {[]Position{standby(1, 1, 20), standby(2, 1, 10), primary}, &two, 2, ""},
		"a primary is up": {[]Position{standby(1, 1, 20), primary}, nil, 9, "is a primary"},
		"named is away":   {[]Position{standby(1, 1, 20)}, &two, 0, "node 2 did not answer"},
		"nobody":          {nil, nil, 0, "no standby"},
		"another cluster": {[]Position{standby(1, 1, 20), {Node: 2, SystemID: "t", Standby: true}}, nil, 0, "different clusters"},
	} {
		p, err := Choose(c.positions, c.want)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || p.Node != c.node {
			t.Errorf("%s: node %d, %v", name, p.Node, err)
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add(`{"node":1,"epoch":2}`)
	f.Add(`{"nod":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ReadRequest(strings.NewReader(text))
		if err == nil && q.Timeout() < 0 {
			t.Errorf("%q: timeout %v", text, q.Timeout())
		}
	})
}

func TestReadRequest(t *testing.T) {
	q, err := ReadRequest(strings.NewReader(`{"node":1,"epoch":2,"timeout_ms":500,"local":true}` + "\n"))
	if err != nil || *q.Node != 1 || q.Epoch != 2 || q.Timeout().Milliseconds() != 500 || !q.Local {
		t.Errorf("%+v, %v", q, err)
	}
	for text, want := range map[string]string{
		`{"nod":1}`:                `unknown field "nod"`,
		`{"node":1} {"node":2}`:    "more behind",
		`[]`:                       "cannot unmarshal",
		``:                         "EOF",
		`{"timeout_ms":-1}`:        "timeout_ms is -1",
		strings.Repeat(" ", 70000): "more than",
	} {
		if _, err := ReadRequest(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
