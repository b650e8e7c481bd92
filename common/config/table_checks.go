package config

// streamParams are about who is primary, who follows, and how far behind.
var streamParams = []Param{
	{Name: "sr_check_period", Kind: Duration, Unit: Second, Default: "10", Context: OnReload, Tools: Router, Odd: map[string]string{"0": "role and lag are looked at each second, or a change of the primary would go unnoticed"}, Help: "longest time between two looks at role and lag; never more than a second"},
	{Name: "sr_check_user", Kind: Text, Context: OnReload, Tools: Router | Watch, Help: "user of these checks"},
	{Name: "sr_check_password", Kind: Text, Secret: true, Context: OnReload, Tools: Router | Watch, Help: "password of these checks; empty to look in pool_passwd"},
	{Name: "sr_check_database", Kind: Text, Default: "postgres", Context: OnReload, Tools: Router | Watch, Help: "database of these checks"},
	{Name: "replication_delay_source_cmd", Kind: Text, Context: OnReload, Tools: Router, State: Ignored, Instead: "the lag is read from the servers", Help: "command that prints the lag of the standbys"},
	{Name: "replication_delay_source_timeout", Kind: Duration, Unit: Second, Min: 1, Max: 3600, Default: "10", Context: OnReload, Tools: Router, State: Ignored, Under: "replication_delay_source_cmd", Help: "time that command may take"},
}

// healthParams are about whether a server is alive.
var healthParams = []Param{
	{Name: "health_check_period", Kind: Duration, Unit: Second, Suffix: OptionalSuffix, Default: "0", Context: OnReload, Tools: Router | Watch, Help: "interval of checks whether a server lives; 0 for none"},
	{Name: "health_check_timeout", Kind: Duration, Unit: Second, Suffix: OptionalSuffix, Default: "20", Context: OnReload, Tools: Router | Watch, Help: "time one check may take; 0 without limit"},
	{Name: "health_check_user", Kind: Text, Suffix: OptionalSuffix, Context: OnReload, Tools: Router | Watch, Help: "user of these checks"},
	{Name: "health_check_password", Kind: Text, Secret: true, Suffix: OptionalSuffix, Context: OnReload, Tools: Router | Watch, Help: "password of these checks; empty to look in pool_passwd"},
	{Name: "health_check_database", Kind: Text, Suffix: OptionalSuffix, Default: "postgres", Context: OnReload, Tools: Router | Watch, Help: "database of these checks"},
	{Name: "health_check_max_retries", Kind: Int, Suffix: OptionalSuffix, Default: "0", Context: OnReload, Tools: Router | Watch, Help: "so many checks more before a server counts as dead"},
	{Name: "health_check_retry_delay", Kind: Duration, Unit: Second, Suffix: OptionalSuffix, Default: "1", Context: OnReload, Tools: Router | Watch, Help: "pause before such a check"},
	{Name: "connect_timeout", Kind: Duration, Unit: Millisecond, Suffix: OptionalSuffix, Default: "10000", Context: OnReload, Tools: Router | Watch, Help: "time to connect to a server; 0 without limit"},
	{Name: "health_check_test", Kind: Bool, Default: "off", Context: OnRestart, Tools: Router | Watch, State: Ignored, Instead: "faults are made from outside, as by stopping the server", Help: "let developers feign faults"},
}

// failoverParams are about the loss of a server.
var failoverParams = []Param{
	{Name: "failover_command", Kind: Text, Context: OnReload, Tools: Watch, Help: "command run when a server is detached"},
	{Name: "failback_command", Kind: Text, Context: OnReload, Tools: Watch, Help: "command run when a server is attached"},
	{Name: "follow_primary_command", Kind: Text, Context: OnReload, Tools: Watch, Aliases: []string{"follow_master_command"}, Help: "command run for each standby after a change of primary"},
	{Name: "failover_on_backend_error", Kind: Bool, Default: "on", Context: OnReload, Tools: Watch, Aliases: []string{"fail_over_on_backend_error"}, Help: "an error on a server connection counts as a dead server"},
	{Name: "failover_on_backend_shutdown", Kind: Bool, Default: "off", Context: OnReload, Tools: Watch, Help: "a server that says it shuts down counts as dead"},
	{Name: "search_primary_node_timeout", Kind: Duration, Unit: Second, Default: "300", Context: OnReload, Tools: Watch, Help: "time to look for a new primary; 0 without limit"},
	{Name: "detach_false_primary", Kind: Bool, Default: "off", Context: OnReload, Tools: Watch, Help: "detach a second primary that no standby follows"},
	{Name: "auto_failback", Kind: Bool, Default: "off", Context: OnReload, Tools: Watch, Help: "attach a detached standby that follows the primary again"},
	{Name: "auto_recover", Kind: Bool, Default: "off", Context: OnReload, Tools: Watch, Help: "make a former primary, or a standby that cannot follow, a standby again without being asked"},
	{Name: "auto_failback_interval", Kind: Duration, Unit: Second, Default: "60", Context: OnReload, Tools: Watch, Help: "least time between two such attachments"},
}

// recoverParams are about making a server a standby again.
var recoverParams = []Param{
	{Name: "recovery_user", Kind: Text, Context: OnReload, Tools: Watch | Promote | Recover, Help: "superuser for recovery and promotion"},
	{Name: "recovery_password", Kind: Text, Secret: true, Context: OnReload, Tools: Promote | Recover, Help: "its password; empty to look in pool_passwd"},
	{Name: "recovery_database", Kind: Text, Default: "postgres", Context: OnReload, Tools: Recover, Help: "database with the pgpool_recovery extension"},
	{Name: "recovery_1st_stage_command", Kind: Text, Context: OnReload, Tools: Watch | Recover, Help: "script in the primary's data folder that makes a standby"},
	{Name: "recovery_2nd_stage_command", Kind: Text, Context: OnReload, Tools: Recover, State: Ignored, Instead: "streaming replication needs one stage only", Help: "second script, for native replication"},
	{Name: "recovery_timeout", Kind: Duration, Unit: Second, Default: "90", Context: OnReload, Tools: Watch | Recover | PCP, Help: "time to wait for the new standby, and for clients to leave when that is asked for"},
	{Name: "client_idle_limit_in_recovery", Kind: Duration, Unit: Second, Min: -1, Default: "0", Context: OnSession, Tools: Router, State: Ignored, Instead: "clients stay connected during a recovery", Help: "disconnect idle clients in the second stage; -1 at once"},
}
