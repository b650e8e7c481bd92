package crewtest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pgcrew/pgcrew/common/control"
)

// Watch is how pgwatch answers in a cluster of two servers and three nodes in which all is well.
var Watch = map[string]Answer{
	"status": `{"cluster":"x","epoch":2,
"members":[
 {"id":0,"name":"db1:9000","leader":true,"state":"alive","host":"db1","wd_port":9000,"pgpool_port":9999,"priority":1,"pool_name":"db1:9999 Linux db1","watchdog_state":4,"watchdog_state_name":"LEADER","membership":0,"membership_name":"MEMBER","delegate_ip":"198.51.100.100"},
 {"id":1,"name":"db2:9000","self":true,"state":"alive","host":"db2","wd_port":9000,"pgpool_port":9999,"priority":1,"pool_name":"db2:9999 Linux db2","watchdog_state":7,"watchdog_state_name":"STANDBY","membership":0,"membership_name":"MEMBER","delegate_ip":"198.51.100.100"},
 {"id":2,"name":"w:9000","state":"dead","host":"w","wd_port":9000,"pgpool_port":9999,"priority":1,"pool_name":"Not_Set","watchdog_state":8,"watchdog_state_name":"LOST","membership":0,"membership_name":"MEMBER","delegate_ip":"198.51.100.100"}],
"backends":[
 {"id":0,"addr":"db1:5432","status":"attached","state":"up","role":"primary","pool_status":2,"quarantine":false,"pg_status":"up","pg_role":"primary","status_changed":"2026-11-23T07:49:08Z",
  "health_check":{"total":6,"success":5,"fail":1,"retry":3,"max_retry":2,"max_ms":55,"min_ms":17,"average_ms":28.5,"last":"2026-11-23T07:49:07Z","last_success":"2026-11-23T07:49:06Z"}},
 {"id":1,"addr":"db2:5433","status":"attached","state":"up","role":"standby","lag_bytes":4096,"lag_us":1500,"pool_status":2,"quarantine":false,"pg_status":"up","pg_role":"standby","replication_state":"streaming","sync_state":"async","status_changed":"2026-11-23T07:49:09Z"}],
"watchdog":{"enabled":true,"remote_nodes":2,"remote_members":2,"remote_alive":1,"required":2,"quorum":1,"escalated":false,"leader_name":"db1:9999 Linux db1","leader_host":"db1"}}`,
	"node.attach": nil,
	"node.detach": nil,
	"switchover":  `{"primary":1,"epoch":3}`,
	"recover":     `{"node":1,"primary":0,"method":"rewind"}`,
	"crew.stop":   nil,
	"crew.reload": nil,
	"crew.rotate": nil,
}

// Router is how pgrouter answers in that cluster. Nobody has used the second server yet.
var Router = map[string]Answer{
	"status": `{"sessions":1,"nodes":[
 {"id":0,"host":"db1","port":5432,"status":"up","role":"primary","weight":0.25,"lag_bytes":0,"since":"2026-11-23T07:49:08Z"},
 {"id":1,"host":"db2","port":5433,"status":"waiting","role":"standby","weight":0.75,"lag_bytes":4096,"lag_ms":1.5,"since":"2026-11-23T07:49:09Z"}]}`,
	"show":        Func(show),
	"reload":      nil,
	"stop":        nil,
	"rotate":      nil,
	"cache.flush": nil,
}

// Shown are the tables of pgrouter, by name.
var Shown = map[string]string{
	"pool_nodes": `{"columns":["node_id","hostname","port","status","pg_status","lb_weight","role","pg_role","select_cnt","load_balance_node","replication_delay","replication_state","replication_sync_state","last_status_change"],
"rows":[["0","db1","5432","up","up","0.250000","primary","primary","1","false","0","","","2026-11-23 07:49:08"],
["1","db2","5433","waiting","up","0.750000","standby","standby","0","true","4096","streaming","async","2026-11-23 07:49:09"]]}`,
	"pool_processes": `{"columns":["pool_pid","start_time","client_connection_count","database","username","backend_connection_time","pool_counter","status"],
"rows":[["4190","2026-11-23 07:48:42","0","test","postgres","2026-11-23 07:49:08","1","Execute command"],
["4191","2026-11-23 07:48:43","0","test","ann","","","Idle"]]}`,
	"pool_pools": `{"columns":["pool_pid","start_time","client_connection_count","pool_id","backend_id","database","username","backend_connection_time","client_connection_time","client_disconnection_time","client_idle_duration","majorversion","minorversion","pool_counter","pool_backendpid","pool_connected","status"],
"rows":[["4190","2026-11-23 07:48:42","0","0","0","test","postgres","2026-11-23 07:49:08","2026-11-23 07:48:42","","0","3","0","1","6329","1","Execute command"],
["4190","2026-11-23 07:48:42","0","0","1","test","postgres","2026-11-23 07:49:08","2026-11-23 07:48:42","","0","3","0","1","6330","1","Execute command"],
["0","","0","0","1","test","bob","2026-11-23 07:47:08","","","0","3","0","5","6331","0","Wait for connection"]]}`,
	"pool_status": `{"columns":["item","value","description"],"rows":[["port","9999","port for clients"],["backend_hostname0","db1",""]]}`,
	"pool_health_check_stats": `{"columns":["node_id","hostname","port","status","role","last_status_change","total_count","success_count","fail_count","skip_count","retry_count","average_retry_count","max_retry_count","max_duration","min_duration","average_duration","last_health_check","last_successful_health_check","last_skip_health_check","last_failed_health_check"],
"rows":[["0","db1","5432","up","primary","2026-11-23 07:49:08","15","14","0","1","7","0.500000","3","55","14","22.571429","2026-11-23 08:01:08","2026-11-23 08:01:08","2026-11-23 08:00:08",""]]}`,
}

func show(_ context.Context, r control.Request) (any, error) {
	var args struct {
		Name string `json:"name"`
	}
	if err := r.Bind(&args); err != nil {
		return nil, err
	}
	text, ok := Shown[args.Name]
	if !ok {
		return nil, &control.Error{Code: control.CodeBadRequest, Msg: fmt.Sprintf("there is no table %q to show", args.Name)}
	}
	return json.RawMessage(text), nil
}
