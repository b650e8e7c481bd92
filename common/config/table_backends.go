package config

// otherModes are the clustering modes of Pgpool-II that are not done here. Reading from a server
// that does not stream from the primary would give wrong answers, so such a server gets nothing.
const otherModes = "treated as streaming_replication: one primary takes the writes, and a server that does not stream from it gets no statement"

// backendParams are about the PostgreSQL servers.
var backendParams = []Param{
	{Name: "backend_clustering_mode", Kind: Enum,
		Values:  []string{"streaming_replication", "native_replication", "logical_replication", "slony", "raw", "snapshot_isolation"},
		Default: "streaming_replication", Context: OnRestart, Tools: Router | Watch, State: Ignored, Instead: otherModes, Help: "how the servers keep the same data"},
	{Name: "backend_hostname", Kind: Text, Suffix: NeedsSuffix, Context: OnAdd, Tools: Router | Watch | Promote | Recover, Help: "name, address or socket folder of a server"},
	{Name: "backend_port", Kind: Int, Max: 65535, Suffix: NeedsSuffix, Default: "0", Context: OnAdd, Tools: Router | Watch | Promote | Recover, Help: "port of a server; 0 for no server"},
	{Name: "backend_weight", Kind: Float, Max: 100000000, Suffix: NeedsSuffix, Default: "0", Context: OnReload, Tools: Router, Help: "share of the reads, relative to the other servers"},
	{Name: "backend_data_directory", Kind: Text, Suffix: NeedsSuffix, Context: OnReload, Tools: Watch | Promote | Recover, Help: "data folder of a server"},
	{Name: "backend_flag", Kind: Flags, Suffix: NeedsSuffix, Values: []string{"ALLOW_TO_FAILOVER", "DISALLOW_TO_FAILOVER", "ALWAYS_PRIMARY"}, Default: "ALLOW_TO_FAILOVER", Context: OnReload, Tools: Router | Watch, Help: "whether a server may be detached, or is always the primary"},
	{Name: "backend_application_name", Kind: Text, Suffix: NeedsSuffix, Context: OnReload, Tools: Router | Watch | Recover, Help: "application_name with which a standby follows the primary"},
}

// nativeParams belong to native replication, which is not done here.
var nativeParams = []Param{
	{Name: "replication_mode", Kind: Bool, Default: "off", Context: OnRestart, State: Ignored, Instead: otherModes, Help: "send writes to all servers"},
	{Name: "master_slave_mode", Kind: Bool, Default: "off", Context: OnRestart, State: Ignored, Instead: "streaming replication is the only mode, see backend_clustering_mode", Help: "older name for replication done by the servers"},
	{Name: "master_slave_sub_mode", Kind: Enum, Values: []string{"stream", "slony", "logical"}, Default: "stream", Context: OnRestart, State: Ignored, Instead: "streaming replication is the only mode, see backend_clustering_mode", Help: "older name for the kind of replication"},
	{Name: "replicate_select", Kind: Bool, Default: "off", Context: OnReload, State: Ignored, Instead: "a read runs on one server", Help: "run reads on all servers"},
	{Name: "insert_lock", Kind: Bool, Default: "on", Context: OnReload, State: Ignored, Instead: "one primary hands out serial numbers, no lock is needed", Help: "lock tables with serial columns"},
	{Name: "lobj_lock_table", Kind: Text, Context: OnReload, State: Ignored, Instead: "one primary hands out large object numbers, no lock is needed", Help: "table to lock for large objects"},
	{Name: "replication_stop_on_mismatch", Kind: Bool, Default: "off", Context: OnReload, State: Ignored, Instead: "each statement has one answer, from one server", Help: "detach servers whose answers differ in kind"},
	{Name: "failover_if_affected_tuples_mismatch", Kind: Bool, Default: "off", Context: OnReload, State: Ignored, Instead: "each statement has one answer, from one server", Help: "detach servers whose answers differ in count"},
}
