package route

import (
	"math"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

// balancer reads a configuration.
func balancer(t *testing.T, conf string) *Balancer {
	t.Helper()
	c, err := config.Parse("test", []byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBalancer(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// steps is a random source that gives each of n equal steps of [0,1) once, again and again.
func steps(n int) func() float64 {
	i := -1
	return func() float64 {
		i = (i + 1) % n
		return (float64(i) + 0.5) / float64(n)
	}
}

// shares counts what Choose gives to each of the nodes 0 to 2, in per cent, and -1 as the last.
func shares(b *Balancer, nodes []Node, who Client) (got [4]int) {
	// Two draws may be needed: the first one moves slowly, the second quickly.
	for i := range 100 {
		for j := range 300 {
			draws := []float64{(float64(i) + 0.5) / 100, (float64(j) + 0.5) / 300}
			n := 0
			id := b.Choose(nodes, who, func() float64 { n++; return draws[(n-1)%2] })
			if id < 0 {
				id = 3
			}
			got[id]++
		}
	}
	for i := range got {
		got[i] = int(math.Round(float64(got[i]) / 300))
	}
	return got
}

func TestChoose(t *testing.T) {
	three := []Node{{ID: 0, Weight: 1, Up: true, Primary: true}, {ID: 1, Weight: 2, Up: true}, {ID: 2, Weight: 1, Up: true}}
	with := func(change func(n []Node)) []Node {
		n := append([]Node(nil), three...)
		change(n)
		return n
	}
	for _, k := range []struct {
		name, conf string
		nodes      []Node
		who        Client
		want       [4]int
	}{
		{"weights", "", three, Client{}, [4]int{25, 50, 25}},
		{"one is down", "", with(func(n []Node) { n[1].Up = false }), Client{}, [4]int{50, 0, 50}},
		{"no weight on the primary", "", with(func(n []Node) { n[0].Weight = 0 }), Client{}, [4]int{0, 67, 33}},
		{"no weights", "", with(func(n []Node) { n[0].Weight, n[1].Weight, n[2].Weight = 0, 0, 0 }), Client{}, [4]int{100}},
		{"no weights, no primary", "", with(func(n []Node) { n[0].Up, n[1].Weight, n[2].Weight = false, 0, 0 }), Client{}, [4]int{0, 100}},
		{"all are down", "", with(func(n []Node) { n[0].Up, n[1].Up, n[2].Up = false, false, false }), Client{}, [4]int{0, 0, 0, 100}},
		{"to the primary", "user_redirect_preference_list = 'bob:primary'", three, Client{User: "Bob"}, [4]int{100}},
		{"the whole name must match", "user_redirect_preference_list = 'bob:primary'", three, Client{User: "bobby"}, [4]int{25, 50, 25}},
		{"to a number", "database_redirect_preference_list = 'shop.*:2'", three, Client{Database: "shop1"}, [4]int{0, 0, 100}},
		{"to a number that is down", "database_redirect_preference_list = 'shop:2'", with(func(n []Node) { n[2].Up = false }), Client{Database: "shop"}, [4]int{33, 67}},
		{"to a standby", "app_name_redirect_preference_list = 'psql:standby'", three, Client{Application: "psql"}, [4]int{0, 67, 33}},
		{"to a standby without weight", "app_name_redirect_preference_list = 'psql:standby'", with(func(n []Node) { n[1].Weight, n[2].Weight = 0, 0 }), Client{Application: "psql"}, [4]int{0, 50, 50}},
		{"half to a standby", "app_name_redirect_preference_list = 'psql:standby(0.5)'", three, Client{Application: "psql"}, [4]int{50, 33, 17}},
		{"half to the primary", "app_name_redirect_preference_list = 'psql:primary(0.5)'", three, Client{Application: "psql"}, [4]int{50, 33, 17}},
		{"half to a number", "app_name_redirect_preference_list = 'psql:1(0.5)'", three, Client{Application: "psql"}, [4]int{25, 50, 25}},
		{"no standby is up", "app_name_redirect_preference_list = 'psql:standby'", with(func(n []Node) { n[1].Up, n[2].Up = false, false }), Client{Application: "psql"}, [4]int{100}},
		{"the first entry counts", "user_redirect_preference_list = 'b.*:1,bob:2'", three, Client{User: "bob"}, [4]int{0, 100}},
		{"application before database before user", "app_name_redirect_preference_list = 'a:0'\ndatabase_redirect_preference_list = 'd:1'\nuser_redirect_preference_list = 'u:2'",
			three, Client{User: "u", Database: "d", Application: "a"}, [4]int{100}},
		{"database before user", "app_name_redirect_preference_list = 'a:0'\ndatabase_redirect_preference_list = 'd:1'\nuser_redirect_preference_list = 'u:2'",
			three, Client{User: "u", Database: "d"}, [4]int{0, 100}},
	} {
		t.Run(k.name, func(t *testing.T) {
			if got := shares(balancer(t, k.conf), k.nodes, k.who); got != k.want {
				t.Errorf("%v per cent, want %v", got, k.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	nodes := []Node{
		{ID: 0, Weight: 1, Up: true, Primary: true},
		{ID: 1, Weight: 1, Up: true, Lag: 1000, LagTime: 2 * time.Second},
		{ID: 2, Weight: 1, Up: true, Lag: 10, LagTime: 3 * time.Second},
		{ID: 3, Weight: 2, Up: true, Lag: 10, LagTime: 4 * time.Second},
		{ID: 4, Weight: 0, Up: true},
		{ID: 5, Weight: 9, Up: false},
	}
	for _, k := range []struct {
		name, conf   string
		chosen, want int
	}{
		{"any lag is fine", "", 1, 1},
		{"down", "", 5, 0},
		{"gone", "", 9, 0},
		{"late", "delay_threshold = 500", 1, 0},
		{"not late", "delay_threshold = 1000", 1, 1},
		{"the primary is never late", "delay_threshold = 1", 0, 0},
		{"the least late, of equals the heavier", "delay_threshold = 500\nprefer_lower_delay_standby = on", 1, 3},
		{"all are late", "delay_threshold = 5\nprefer_lower_delay_standby = on", 1, 0},
		{"late by time", "delay_threshold = 500\ndelay_threshold_by_time = 3500", 3, 0},
		{"time wins over bytes", "delay_threshold = 500\ndelay_threshold_by_time = 3500", 1, 1},
		{"the least late by time", "delay_threshold_by_time = 3500\nprefer_lower_delay_standby = on", 3, 1},
	} {
		t.Run(k.name, func(t *testing.T) {
			if got := balancer(t, k.conf).Fit(nodes, k.chosen); got != k.want {
				t.Errorf("%d, want %d", got, k.want)
			}
		})
	}
}

// TestBalancerAllocatesNothing: Fit is called for every statement.
func TestBalancerAllocatesNothing(t *testing.T) {
	b := balancer(t, "delay_threshold = 500\nprefer_lower_delay_standby = on")
	nodes := []Node{{ID: 0, Weight: 1, Up: true, Primary: true}, {ID: 1, Weight: 1, Up: true, Lag: 1000}, {ID: 2, Weight: 1, Up: true}}
	draw := steps(7)
	if n := testing.AllocsPerRun(100, func() { b.Fit(nodes, b.Choose(nodes, Client{}, draw)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
