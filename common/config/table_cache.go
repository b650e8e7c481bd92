package config

// cacheParams are about remembered query results.
var cacheParams = []Param{
	{Name: "memory_cache_enabled", Kind: Bool, Default: "off", Context: OnRestart, Tools: Router, State: Ignored, Instead: "there is no query cache: a server runs every read", Help: "answer repeated reads from memory"},
	{Name: "memqcache_method", Kind: Enum, Values: []string{"shmem", "memcached"}, Default: "shmem", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "where results are kept"},
	{Name: "memqcache_memcached_host", Kind: Text, Default: "localhost", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "host of memcached"},
	{Name: "memqcache_memcached_port", Kind: Int, Min: 1, Max: 65535, Default: "11211", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "port of memcached"},
	{Name: "memqcache_total_size", Kind: Bytes, Unit: Byte, Max: 1 << 40, Default: "64MB", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "memory for results"},
	{Name: "memqcache_max_num_cache", Kind: Int, Default: "1000000", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "most results kept"},
	{Name: "memqcache_expire", Kind: Duration, Unit: Second, Default: "0", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "age at which a result is forgotten; 0 never"},
	{Name: "memqcache_auto_cache_invalidation", Kind: Bool, Default: "on", Context: OnReload, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "forget results of a table that was written"},
	{Name: "memqcache_maxcache", Kind: Bytes, Unit: Byte, Default: "400kB", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "largest result that is kept"},
	{Name: "memqcache_cache_block_size", Kind: Bytes, Unit: Byte, Min: 512, Default: "1MB", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "piece in which that memory is given out"},
	{Name: "memqcache_oiddir", Kind: Text, Default: "/var/log/pgpool/oiddir", Context: OnRestart, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Help: "folder that maps tables to results"},
	{Name: "cache_safe_memqcache_table_list", Kind: Patterns, Context: OnReload, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Aliases: []string{"white_memqcache_table_list"}, Help: "views and unlogged tables whose results may be kept"},
	{Name: "cache_unsafe_memqcache_table_list", Kind: Patterns, Context: OnReload, Tools: Router, State: Ignored, Under: "memory_cache_enabled", Aliases: []string{"black_memqcache_table_list"}, Help: "tables whose results are never kept"},
}
