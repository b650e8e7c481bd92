package config

// watchdogParams are about the nodes that watch each other.
var watchdogParams = []Param{
	{Name: "use_watchdog", Kind: Bool, Default: "off", Context: OnRestart, Tools: Router | Watch | PCP | Pgpool, Help: "watch the cluster together with other nodes"},
	{Name: "hostname", Kind: Text, Suffix: NeedsSuffix, Context: OnRestart, Tools: Watch, Help: "name or address of a node"},
	{Name: "wd_port", Kind: Int, Max: 65535, Suffix: NeedsSuffix, Default: "0", Context: OnRestart, Tools: Watch, Help: "port of a node for other nodes"},
	{Name: "pgpool_port", Kind: Int, Max: 65535, Suffix: NeedsSuffix, Default: "0", Context: OnRestart, Tools: Watch, Help: "port of a node for clients"},
	{Name: "wd_listen_address", Kind: Text, Context: OnRestart, Tools: Watch, Help: "address to listen on when it is not hostname"},
	{Name: "wd_listen_port", Kind: Int, Max: 65535, Default: "0", Context: OnRestart, Tools: Watch, Help: "port to listen on when it is not wd_port"},
	{Name: "trusted_servers", Kind: List, Context: OnRestart, Tools: Watch, Help: "hosts that answer a ping while this node's network works"},
	{Name: "trusted_server_command", Kind: Text, Default: "ping -q -c3 %h", Context: OnRestart, Tools: Watch, Help: "command that asks such a host"},
	{Name: "ping_path", Kind: Text, Default: "/bin", Context: OnRestart, Tools: Watch, Help: "folder of ping"},
	{Name: "wd_priority", Kind: Int, Min: 1, Default: "1", Context: OnRestart, Tools: Watch, Help: "the higher, the sooner this node leads"},
	{Name: "wd_authkey", Kind: Text, Secret: true, Context: OnRestart, Tools: Watch, Help: "secret that the nodes share"},
	{Name: "wd_ipc_socket_dir", Kind: Text, Default: "/tmp", Context: OnRestart, Tools: Watch, State: Ignored, Instead: "control sockets are in run_directory", Help: "folder of the watchdog's command socket"},
	{Name: "wd_monitoring_interfaces_list", Kind: List, Context: OnRestart, Tools: Watch, Help: "network interfaces one of which must be up for this node to lead; any for all of the host"},
}

// addressParams are about the virtual address.
var addressParams = []Param{
	{Name: "delegate_ip", Kind: Text, Context: OnRestart, Tools: Watch | VIP | Pgpool, Help: "virtual address; empty for none"},
	{Name: "if_cmd_path", Kind: Text, Default: "/sbin", Context: OnRestart, Tools: VIP, Help: "folder of if_up_cmd and if_down_cmd"},
	{Name: "if_up_cmd", Kind: Text, Default: "sudo ip addr add $_IP_$/24 dev eth0 label eth0:0", Context: OnRestart, Tools: VIP, Help: "command that takes the virtual address, instead of the built-in way"},
	{Name: "if_down_cmd", Kind: Text, Default: "sudo ip addr del $_IP_$/24 dev eth0", Context: OnRestart, Tools: VIP, Help: "command that gives it up"},
	{Name: "arping_path", Kind: Text, Default: "/usr/sbin", Context: OnRestart, Tools: VIP, Help: "folder of arping_cmd"},
	{Name: "arping_cmd", Kind: Text, Default: "sudo arping -U $_IP_$ -w 1 -I eth0", Context: OnRestart, Tools: VIP, Help: "command that announces it"},
	{Name: "wd_escalation_command", Kind: Text, Context: OnReload, Tools: Watch, Help: "command run when this node begins to lead"},
	{Name: "wd_de_escalation_command", Kind: Text, Context: OnReload, Tools: Watch, Help: "command run when it ceases to lead"},
	{Name: "clear_memqcache_on_escalation", Kind: Bool, Default: "on", Context: OnReload, Tools: Watch | Router, State: Ignored, Under: "memory_cache_enabled", Help: "empty a shared query cache when this node begins to lead"},
}

// lifecheckParams are about how nodes know that others live.
var lifecheckParams = []Param{
	{Name: "wd_lifecheck_method", Kind: Enum, Values: []string{"query", "heartbeat", "external"}, Default: "heartbeat", Odd: map[string]string{"query": peers, "external": peers}, Context: OnRestart, Tools: Watch, State: Ignored, Help: "how nodes are checked"},
	{Name: "wd_interval", Kind: Duration, Unit: Second, Min: 1, Default: "10", Context: OnRestart, Tools: Watch, Help: "longest interval at which trusted_servers are asked; never more than a second"},
	{Name: "wd_heartbeat_keepalive", Kind: Duration, Unit: Second, Min: 1, Default: "2", Context: OnRestart, Tools: Watch, State: Ignored, Instead: "heartbeats go out five times a second", Help: "interval of heartbeats"},
	{Name: "wd_heartbeat_deadtime", Kind: Duration, Unit: Second, Min: 1, Default: "30", Context: OnRestart, Tools: Watch, State: Ignored, Instead: "a node that is silent is missed within a second or two", Help: "silence after which a node counts as dead"},
	{Name: "heartbeat_hostname", Kind: Text, Suffix: NeedsSuffix, Context: OnRestart, Tools: Watch, Help: "name or address of a node for heartbeats"},
	{Name: "heartbeat_port", Kind: Int, Max: 65535, Suffix: NeedsSuffix, Default: "0", Context: OnRestart, Tools: Watch, Help: "port of a node for heartbeats, UDP and TCP"},
	{Name: "heartbeat_device", Kind: Text, Suffix: NeedsSuffix, Context: OnRestart, Tools: Watch, Help: "network interface for heartbeats"},
	{Name: "wd_heartbeat_listen_addresses", Kind: List, Context: OnRestart, Tools: Watch, Help: "addresses for heartbeats when they are not heartbeat_hostname"},
	{Name: "wd_heartbeat_listen_port", Kind: Int, Max: 65535, Default: "0", Context: OnRestart, Tools: Watch, Help: "port for heartbeats when it is not heartbeat_port"},
	{Name: "wd_life_point", Kind: Int, Min: 1, Default: "3", Context: OnRestart, Tools: Watch, State: Ignored, Under: "wd_lifecheck_method", Help: "failed queries after which a node counts as dead"},
	{Name: "wd_lifecheck_query", Kind: Text, Default: "SELECT 1", Context: OnRestart, Tools: Watch, State: Ignored, Under: "wd_lifecheck_method", Help: "query that asks a node"},
	{Name: "wd_lifecheck_dbname", Kind: Text, Default: "template1", Context: OnReload, Tools: Watch, State: Ignored, Under: "wd_lifecheck_method", Help: "database of that query"},
	{Name: "wd_lifecheck_user", Kind: Text, Context: OnReload, Tools: Watch, State: Ignored, Under: "wd_lifecheck_method", Help: "user of that query"},
	{Name: "wd_lifecheck_password", Kind: Text, Secret: true, Context: OnReload, Tools: Watch, State: Ignored, Under: "wd_lifecheck_method", Help: "password of that query"},
}

// What happens instead of what some values ask for.
const (
	peers      = "the nodes hear each other by heartbeat"
	withQuorum = "without a majority nothing is decided, or there could be two primaries; enable_consensus_with_half_votes makes half of the nodes enough"
	ownHost    = "one node's word is enough only about a server whose host no pgwatch runs on; about the others their own node knows"
)

// consensusParams are about how many nodes must agree.
var consensusParams = []Param{
	{Name: "failover_when_quorum_exists", Kind: Bool, Default: "on", Odd: map[string]string{"off": withQuorum}, Context: OnRestart, Tools: Watch, State: Ignored, Help: "no failover without a majority of the nodes"},
	{Name: "failover_require_consensus", Kind: Bool, Default: "on", Odd: map[string]string{"off": ownHost}, Context: OnReload, Tools: Watch, Help: "no failover unless a majority sees the server dead"},
	{Name: "allow_multiple_failover_requests_from_node", Kind: Bool, Default: "off", Context: OnRestart, Tools: Watch, State: Ignored, Instead: "each node has one vote", Help: "a node may vote more than once"},
	{Name: "enable_consensus_with_half_votes", Kind: Bool, Default: "off", Context: OnRestart, Tools: Watch, Help: "half of an even number of nodes is enough"},
	{Name: "wd_remove_shutdown_nodes", Kind: Bool, Default: "off", Context: OnRestart, Tools: Watch, Help: "a node that was stopped is shown as no member; its vote does not count either way"},
	{Name: "wd_lost_node_removal_timeout", Kind: Duration, Unit: Second, Default: "0", Context: OnReload, Tools: Watch, State: Ignored, Instead: "a lost node counts until pgwatch voter remove, so that a small rest of the crew cannot decide", Help: "a lost node no longer counts after this; 0 it always counts"},
	{Name: "wd_no_show_node_removal_timeout", Kind: Duration, Unit: Second, Default: "0", Context: OnReload, Tools: Watch, State: Ignored, Instead: "the crew begins when every configured node has been there once; after that one that is missing counts until pgwatch voter remove", Help: "a node never seen no longer counts after this; 0 it always counts"},
}
