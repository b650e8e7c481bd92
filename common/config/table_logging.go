package config

// levels are the severities of messages, and their numbers in SHOW POOL_STATUS.
var (
	levels       = []string{"debug5", "debug4", "debug3", "debug2", "debug1", "log", "info", "notice", "warning", "error", "fatal", "panic", "debug"}
	levelNumbers = []int{10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 13}
)

const (
	toStderr     = "log lines go to standard error; let systemd, syslog's logger or a shell redirection keep and rotate them"
	noStatements = "neither statements nor messages are logged here; log_statement of the servers logs each statement where it runs"
	oneForm      = "log lines are text or JSON, by the flag --log-format"
)

// logParams are about what is logged.
var logParams = []Param{
	{Name: "log_destination", Kind: List, Values: []string{"stderr", "syslog"}, Default: "stderr", Context: OnReload, Tools: Pgpool, Instead: toStderr, Help: "where log lines go"},
	{Name: "log_line_prefix", Kind: Text, Default: "%m: %a pid %p: ", Context: OnReload, Tools: Router, State: Ignored, Instead: oneForm, Help: "what each log line begins with"},
	{Name: "log_error_verbosity", Kind: Enum, Values: []string{"terse", "default", "verbose"}, Numbers: []int{0, 1, 2}, Default: "default", Context: OnSession, Tools: Router, State: Ignored, Instead: oneForm, Help: "how much an error says in the log"},
	{Name: "client_min_messages", Kind: Enum, Values: levels, Numbers: levelNumbers, Default: "notice", Context: OnSession, Tools: Router, State: Ignored, Instead: "pgrouter sends errors only; the servers' messages are governed by their own client_min_messages", Help: "least severe message sent to a client"},
	{Name: "log_min_messages", Kind: Enum, Values: levels, Numbers: levelNumbers, Default: "warning", Context: OnSession, Tools: Router | Watch, State: Ignored, Instead: "the flag --log-level, or a variable such as PGROUTER_LOG_LEVEL, says what is logged", Help: "least severe message that is logged"},
	{Name: "log_connections", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "log clients that come"},
	{Name: "log_disconnections", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "log clients that leave"},
	{Name: "log_pcp_processes", Kind: Bool, Default: "off", Context: OnReload, Tools: PCP, Help: "log PCP clients that come and leave"},
	{Name: "log_hostname", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, State: Ignored, Instead: "the log gives addresses", Help: "log names of clients instead of addresses"},
	{Name: "log_statement", Kind: Bool, Default: "off", Context: OnSession, Tools: Router, State: Ignored, Instead: noStatements, Help: "log statements"},
	{Name: "log_per_node_statement", Kind: Bool, Default: "off", Context: OnSession, Tools: Router, State: Ignored, Instead: noStatements, Help: "log statements with the server they went to"},
	{Name: "notice_per_node_statement", Kind: Bool, Default: "off", Context: OnSession, Tools: Router, State: Ignored, Instead: "the command pgrouter explain tells where a statement goes", Help: "tell the client the server of each statement"},
	{Name: "log_client_messages", Kind: Bool, Default: "off", Context: OnSession, Tools: Router, State: Ignored, Instead: noStatements, Help: "log protocol messages of clients"},
	{Name: "log_backend_messages", Kind: Enum, Values: []string{"none", "terse", "verbose"}, Default: "none", Context: OnSession, Tools: Router, State: Ignored, Instead: noStatements, Help: "log protocol messages of servers"},
	{Name: "log_standby_delay", Kind: Enum, Values: []string{"always", "if_over_threshold", "none"}, Default: "if_over_threshold", Context: OnReload, Tools: Router, State: Ignored, Odd: map[string]string{"always": "the lag is not logged; SHOW pool_nodes and pgrouter status show it"}, Help: "when the lag of a standby is logged"},
}

// fileParams are about files a daemon leaves behind.
var fileParams = []Param{
	{Name: "syslog_facility", Kind: Enum, Values: []string{"LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7"}, Numbers: []int{}, Default: "LOCAL0", Context: OnReload, Tools: Pgpool, Help: "facility of syslog"},
	{Name: "syslog_ident", Kind: Text, Default: "pgpool", Context: OnReload, Tools: Pgpool, Help: "name in syslog"},
	{Name: "logging_collector", Kind: Bool, Default: "off", Context: OnRestart, Tools: Pgpool, Instead: toStderr, Help: "write log files"},
	{Name: "log_directory", Kind: Text, Default: "/tmp/pgpool_logs", Context: OnReload, Tools: Pgpool, Help: "folder of the log files"},
	{Name: "log_filename", Kind: Text, Default: "pgpool-%Y-%m-%d_%H%M%S.log", Context: OnReload, Tools: Pgpool, Help: "name of a log file, with time escapes"},
	{Name: "log_file_mode", Kind: Octal, Max: 0o777, Default: "0600", Context: OnReload, Tools: Pgpool, Help: "file mode of a log file"},
	{Name: "log_truncate_on_rotation", Kind: Bool, Default: "off", Context: OnReload, Tools: Pgpool, Help: "empty an old log file of the same name"},
	{Name: "log_rotation_age", Kind: Duration, Unit: Minute, Default: "1440", Context: OnReload, Tools: Pgpool, Help: "age at which a new log file begins; 0 never"},
	{Name: "log_rotation_size", Kind: Bytes, Unit: Kilobyte, Default: "10240", Context: OnReload, Tools: Pgpool, Help: "size at which a new log file begins; 0 never"},
	{Name: "pid_file_name", Kind: Text, Default: "/var/run/pgpool/pgpool.pid", Context: OnRestart, Tools: Pgpool, Instead: "pgrouter stays in the foreground and writes no such file; what starts it, such as systemd, knows its process number", Help: "file with the process number"},
	{Name: "work_dir", Kind: Text, Default: "/tmp", Context: OnRestart, Tools: Pgpool, Instead: "the state of the servers is observed, not read from pgpool_status", Aliases: []string{"logdir"}, Help: "folder of state_directory when that one is not set and not to be had"},
}
