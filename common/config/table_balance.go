package config

const tempTables = "temporary tables that a session is seen to create are recognised all the same, and their statements go to the primary"

// balanceParams are about which statements may leave the primary.
var balanceParams = []Param{
	{Name: "load_balance_mode", Kind: Bool, Default: "on", Context: OnReload, Tools: Router, Help: "spread reads over the servers"},
	{Name: "ignore_leading_white_space", Kind: Bool, Default: "on", Context: OnReload, Tools: Router, Help: "a statement may begin with white space and still be balanced"},
	{Name: "statement_level_load_balance", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "choose a server for each statement, not for each session"},
	{Name: "disable_load_balance_on_write", Kind: Enum, Values: []string{"off", "transaction", "trans_transaction", "always", "dml_adaptive", "dml_adaptive_global"}, Odd: map[string]string{"dml_adaptive_global": "obeyed as dml_adaptive: writes of other routers are not known"}, Default: "transaction", Context: OnReload, Tools: Router, Help: "how long reads stay on the primary after a write"},
	{Name: "dml_adaptive_object_relationship_list", Kind: List, Context: OnReload, Tools: Router, Help: "object:dependant pairs for dml_adaptive"},
	{Name: "allow_sql_comments", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "a statement may begin with a comment and still be balanced"},
	{Name: "read_only_function_list", Kind: Patterns, Context: OnReload, Tools: Router, Aliases: []string{"white_function_list"}, Help: "functions that only read; every other one writes"},
	{Name: "write_function_list", Kind: Patterns, Context: OnReload, Tools: Router, Aliases: []string{"black_function_list"}, Help: "functions that write"},
	{Name: "primary_routing_query_pattern_list", Kind: Patterns, Separator: ";", Context: OnReload, Tools: Router, Aliases: []string{"black_query_pattern_list"}, Help: "statements that go to the primary"},
	{Name: "check_temp_table", Kind: Enum, Values: []string{"catalog", "trace", "none", "on", "off"}, Odd: map[string]string{"none": tempTables, "off": tempTables}, Default: "catalog", Context: OnReload, Tools: Router, Help: "how temporary tables are recognised"},
	{Name: "check_unlogged_table", Kind: Bool, Default: "on", Context: OnReload, Tools: Router, Help: "send reads of unlogged tables to the primary"},
	{Name: "delay_threshold", Kind: Bytes, Unit: Byte, Default: "0", Context: OnReload, Tools: Router, Help: "a standby that lags more gets no reads; 0 without limit"},
	{Name: "delay_threshold_by_time", Kind: Duration, Unit: Millisecond, Default: "0", Context: OnReload, Tools: Router | PCP, Help: "the same by time; wins over delay_threshold"},
	{Name: "prefer_lower_delay_standby", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "read from the standby that lags least when the chosen one lags too much"},
}

// redirectParams prefer a server for some clients.
var redirectParams = []Param{
	{Name: "user_redirect_preference_list", Kind: Redirects, Context: OnReload, Tools: Router, Help: "user:node(weight), the server that users read from"},
	{Name: "database_redirect_preference_list", Kind: Redirects, Context: OnReload, Tools: Router, Help: "database:node(weight), the server that databases are read from"},
	{Name: "app_name_redirect_preference_list", Kind: Redirects, Context: OnReload, Tools: Router, Help: "application:node(weight), the server that applications read from"},
}

// relcacheParams are about what is remembered of the servers' catalogs.
var relcacheParams = []Param{
	{Name: "relcache_expire", Kind: Duration, Unit: Second, Default: "0", Context: OnReload, Tools: Router, Help: "age at which what is known of a catalog is read again; 0 for the router's own choice"},
	{Name: "relcache_size", Kind: Int, Default: "256", Context: OnRestart, Tools: Router, State: Ignored, Instead: "what matters of a catalog is held whole", Help: "catalog entries remembered"},
	{Name: "enable_shared_relcache", Kind: Bool, Default: "on", Context: OnRestart, Tools: Router, State: Ignored, Instead: "one process knows each catalog once", Help: "share catalog entries among workers"},
	{Name: "relcache_query_target", Kind: Enum, Values: []string{"primary", "load_balance_node"}, Default: "primary", Context: OnReload, Tools: Router, State: Ignored, Instead: "catalogs are read from the primary, where they are never behind", Help: "the server whose catalog is read"},
	{Name: "track_table_mutation_cold_start_duration", Kind: Duration, Unit: Millisecond, Default: "2000", Context: OnReload, State: Ignored, Under: "disable_load_balance_on_write", Help: "for dml_adaptive_global"},
	{Name: "track_table_mutation_max_staleness", Kind: Duration, Unit: Millisecond, Default: "60000", Context: OnReload, State: Ignored, Under: "disable_load_balance_on_write", Help: "for dml_adaptive_global"},
	{Name: "track_table_mutation_table_buckets", Kind: Int, Default: "1024", Context: OnRestart, State: Ignored, Under: "disable_load_balance_on_write", Help: "for dml_adaptive_global"},
	{Name: "track_table_mutation_table_size", Kind: Int, Default: "2048", Context: OnRestart, State: Ignored, Under: "disable_load_balance_on_write", Help: "for dml_adaptive_global"},
	{Name: "track_table_mutation_ttl_factor", Kind: Float, Default: "5.0", Context: OnReload, State: Ignored, Under: "disable_load_balance_on_write", Help: "for dml_adaptive_global"},
}
