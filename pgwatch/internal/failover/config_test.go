package failover

import (
	"reflect"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

func TestFromConfig(t *testing.T) {
	c, err := config.Parse("f", []byte(`
backend_port0 = 5432
backend_flag0 = 'ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER'
backend_data_directory0 = '/d0'
backend_port1 = 5433
backend_application_name1 = 'server2'
health_check_period = 5
health_check_max_retries = 3
health_check_retry_delay = 2
health_check_period0 = 0
failover_on_backend_shutdown = on
failover_require_consensus = off
detach_false_primary = on
auto_failback = on
auto_failback_interval = 7
search_primary_node_timeout = 11
failover_max_lag = 1MB
failover_command = 'a'
follow_primary_command = 'b'
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.ShutdownFails, want.AnyReport, want.DetachFalse, want.AutoFailback, want.FailoverHook, want.FollowHook = true, true, true, true, true, true
	want.FailbackPause, want.SearchPrimary, want.MaxLag = 7*time.Second, 11*time.Second, 1<<20
	want.Backends = map[int]Rules{
		0: {NoFailover: true, AlwaysPrimary: true, Retries: 3, Data: "/d0"},
		1: {Retries: 3, Upper: 11 * time.Second, Name: "server2"},
	}
	if got := FromConfig(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, wanted\n%+v", got, want)
	}
}

// Without health checks a server is given up when clients trip over it, and without that never.
func TestWithoutHealthChecks(t *testing.T) {
	for text, want := range map[string]bool{"": false, "failover_on_backend_error = off": true, "failover_on_backend_error = off\nhealth_check_period = 5": false} {
		c, err := config.Parse("f", []byte("backend_port0 = 1\n"+text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := FromConfig(c).Backends[0].NoFailover; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
