package config

const oneMode = "it is not there yet: use pool_mode = session"

// crewParams are what pgcrew has and Pgpool-II has not.
var crewParams = []Param{
	{Name: "run_directory", Kind: Text, Default: "/run/pgcrew", Context: OnRestart, Tools: Router | Watch | VIP | PCP | Pgpool, Help: "folder of the control sockets"},
	{Name: "state_directory", Kind: Text, Default: "/var/lib/pgcrew", Context: OnRestart, Tools: Watch | Pgpool, Help: "folder of what a node must not forget: its log and its promises"},
	{Name: "recovery_ssh_user", Kind: Text, Context: OnReload, Tools: Recover, Help: "user for SSH to the host of a server; empty for that of the process"},
	{Name: "recovery_ssh_key", Kind: Text, Context: OnReload, Tools: Recover, Help: "file with its private key; empty for the agent and those in ~/.ssh"},
	{Name: "recovery_ssh_known_hosts", Kind: Text, Context: OnReload, Tools: Recover, Help: "file with the keys of hosts; empty for ~/.ssh/known_hosts and those in /etc/ssh"},
	{Name: "recovery_ssh_port", Kind: Int, Min: 1, Max: 65535, Suffix: OptionalSuffix, Default: "22", Context: OnReload, Tools: Recover, Help: "port of SSH there"},
	{Name: "shutdown_timeout", Kind: Duration, Unit: Second, Default: "30", Context: OnReload, Tools: Router, Help: "time transactions have to end when the router stops"},
	{Name: "failover_wait", Kind: Duration, Unit: Second, Default: "10", Context: OnReload, Tools: Router, Help: "time a statement waits for a new primary"},
	{Name: "failover_max_lag", Kind: Bytes, Unit: Byte, Max: 1 << 50, Default: "16MB", Context: OnReload, Tools: Watch, Help: "a standby that is known to lack more than this of the primary's WAL is not promoted without being asked for"},
	{Name: "pool_mode", Kind: Enum, Values: []string{"session", "transaction", "auto"}, Missing: map[string]string{"transaction": oneMode, "auto": oneMode}, Default: "session", Context: OnRestart, Tools: Router, Help: "how long a client keeps a server connection"},
	{Name: "num_loops", Kind: Int, Min: 1, Max: 1024, Default: "1", Context: OnRestart, Tools: Router, Help: "event loops that carry the traffic"},
	{Name: "backend_unix_socket", Kind: Enum, Values: []string{"auto", "off"}, Default: "auto", Context: OnReload, Tools: Router, Help: "reach a server on this host by its Unix socket"},
	{Name: "http_listen", Kind: Text, Context: OnRestart, Tools: PCP, State: Ignored, Instead: "metrics and the web page are not there yet; pgwatch status -j and pgrouter status -j tell the same", Help: "address:port for metrics and the web page; empty for none"},
	{Name: "pcp_compat", Kind: Enum, Values: []string{"4.2", "4.3", "4.8"}, Default: "4.3", Context: OnReload, Numbers: []int{}, Tools: PCP, Help: "version of Pgpool-II whose PCP layout is spoken; its programs show others' fields under wrong names"},
}
