package config

// retired says what became of parameters that left Pgpool-II before 4.2 and whose value cannot
// simply be taken over: the watchdog ones count nodes differently.
var retired = map[string]string{
	"other_pgpool_hostname":      "since 4.2 every node is listed: use hostname0, hostname1, ... and pgpool_node_id",
	"other_pgpool_port":          "since 4.2 every node is listed: use pgpool_port0, pgpool_port1, ... and pgpool_node_id",
	"other_wd_port":              "since 4.2 every node is listed: use wd_port0, wd_port1, ... and pgpool_node_id",
	"wd_hostname":                "since 4.2 every node is listed: use hostname0, hostname1, ... and pgpool_node_id",
	"heartbeat_destination":      "since 4.2 every node is listed: use heartbeat_hostname0, heartbeat_hostname1, ...",
	"heartbeat_destination_port": "since 4.2 every node is listed: use heartbeat_port0, heartbeat_port1, ...",
	"wd_heartbeat_port":          "since 4.2 every node is listed: use heartbeat_port0, heartbeat_port1, ...",
	"include_dir":                "only include 'file' is known",
	"include_if_exists":          "only include 'file' is known",
	"parallel_mode":              "parallel query left Pgpool-II in 3.5",
	"enable_query_cache":         "the on-disk query cache left Pgpool-II in 3.4: and there is none here",
}
