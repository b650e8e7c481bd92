package config

// connectionParams are about who may come in, and how many.
var connectionParams = []Param{
	{Name: "listen_addresses", Kind: List, Default: "localhost", Context: OnRestart, Tools: Router, Help: "TCP addresses for clients; * for all, empty for none"},
	{Name: "port", Kind: Int, Min: 1, Max: 65535, Default: "9999", Context: OnRestart, Tools: Router | Watch, Help: "port for clients"},
	{Name: "unix_socket_directories", Kind: List, Default: "/var/run/postgresql", Context: OnRestart, Tools: Router | PCP, Aliases: []string{"socket_dir"}, Help: "folders of the Unix sockets for clients; empty for none"},
	{Name: "unix_socket_group", Kind: Text, Context: OnRestart, Tools: Router, Help: "group that owns the Unix sockets; empty for the user's own"},
	{Name: "unix_socket_permissions", Kind: Octal, Default: "0777", Max: 0o777, Context: OnRestart, Tools: Router, Help: "file mode of the Unix sockets"},
	{Name: "pcp_listen_addresses", Kind: List, Default: "*", Context: OnRestart, Tools: PCP, Help: "TCP addresses of the PCP port; * for all, empty for none"},
	{Name: "pcp_port", Kind: Int, Min: 1, Max: 65535, Default: "9898", Context: OnRestart, Tools: PCP, Help: "port of the PCP protocol"},
	{Name: "pcp_socket_dir", Kind: List, Default: "/var/run/postgresql", Context: OnRestart, Tools: PCP, Help: "folders of the PCP Unix socket; empty for none"},
	{Name: "pcp_conf", Kind: Text, Default: "pcp.conf", Context: OnReload, Tools: PCP, Help: "file with the users of PCP and the md5 sums of their passwords; read at each login"},
	{Name: "num_init_children", Kind: Int, Min: 1, Default: "32", Context: OnReload, Tools: Router, Help: "most clients at a time; more are refused with 53300"},
	{Name: "reserved_connections", Kind: Int, Default: "0", Context: OnReload, Tools: Router, Help: "so many of the last client places are refused at once"},
	{Name: "listen_backlog_multiplier", Kind: Int, Min: 1, Default: "2", Context: OnRestart, Tools: Router, State: Ignored, Instead: "clients do not wait in the listen queue, which is as long as the system allows (net.core.somaxconn)", Help: "listen queue, in multiples of num_init_children"},
	{Name: "serialize_accept", Kind: Bool, Default: "off", Context: OnRestart, Tools: Router, State: Ignored, Instead: "one process accepts all clients, there is no herd to tame", Help: "accept clients one by one"},
	{Name: "process_management_mode", Kind: Enum, Values: []string{"static", "dynamic"}, Default: "static", Context: OnReload, Tools: Router, State: Ignored, Instead: "there are no worker processes; num_init_children limits the clients", Help: "fixed or growing set of workers"},
	{Name: "process_management_strategy", Kind: Enum, Values: []string{"aggressive", "gentle", "lazy"}, Default: "gentle", Context: OnReload, Tools: Router, State: Ignored, Under: "process_management_mode", Help: "how eagerly spare workers end"},
	{Name: "min_spare_children", Kind: Int, Min: 1, Default: "5", Context: OnReload, Tools: Router, State: Ignored, Under: "process_management_mode", Help: "least idle workers"},
	{Name: "max_spare_children", Kind: Int, Min: 1, Default: "10", Context: OnReload, Tools: Router, State: Ignored, Under: "process_management_mode", Help: "most idle workers"},
	{Name: "child_life_time", Kind: Duration, Unit: Second, Default: "300", Context: OnReload, Tools: Router, Help: "unused server connections are closed after this; 0 never"},
	{Name: "child_max_connections", Kind: Int, Default: "0", Context: OnRestart, Tools: Router, State: Ignored, Instead: "there are no worker processes to renew; connection_life_time renews server connections", Help: "clients a worker serves before it ends; 0 without limit"},
	{Name: "client_idle_limit", Kind: Duration, Unit: Second, Default: "0", Context: OnSession, Tools: Router, Help: "an idle client is disconnected after this; 0 never"},
	{Name: "authentication_timeout", Kind: Duration, Unit: Second, Default: "60", Context: OnReload, Tools: Router | PCP, Aliases: []string{"client_login_timeout"}, Help: "time a client has to log in; 0 without limit"},
}

// authParams are about passwords of clients.
var authParams = []Param{
	{Name: "enable_pool_hba", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "authenticate clients by pool_hba.conf"},
	{Name: "pool_hba_conf", Kind: Text, Default: "pool_hba.conf", Context: OnReload, Tools: Router, Help: "file that says who may log in, and how"},
	{Name: "pool_passwd", Kind: Text, Default: "pool_passwd", Context: OnRestart, Tools: Router | Watch | Promote | Recover, Help: "file with the passwords of users; empty for none"},
	{Name: "allow_clear_text_frontend_auth", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, Help: "without pool_hba.conf, ask for a clear text password when none is stored"},
}

// tlsParams are about encryption, on both sides.
var tlsParams = []Param{
	{Name: "ssl", Kind: Bool, Default: "off", Context: OnRestart, Tools: Router | Watch | Promote | Recover, Help: "offer TLS to clients, and ask servers for it; pgwatch, pgpromote and pgrecover always ask them"},
	{Name: "ssl_key", Kind: Text, Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "file with the private key"},
	{Name: "ssl_cert", Kind: Text, Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "file with the certificate chain"},
	{Name: "ssl_ca_cert", Kind: Text, Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "file with the certificates that clients and servers are checked against"},
	{Name: "ssl_ca_cert_dir", Kind: Text, Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "folder with such certificates"},
	{Name: "ssl_crl_file", Kind: Text, Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "file with revoked certificates"},
	{Name: "ssl_ciphers", Kind: Text, Default: "HIGH:MEDIUM:+3DES:!aNULL", Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "ciphers for TLS 1.2, in OpenSSL's words"},
	{Name: "ssl_prefer_server_ciphers", Kind: Bool, Default: "off", Context: OnReload, Tools: Router, State: Ignored, Instead: "the order of ciphers is the TLS library's", Help: "take the server's order of ciphers"},
	{Name: "ssl_ecdh_curve", Kind: Text, Default: "prime256v1", Context: OnReload, Tools: Router, Help: "elliptic curve for key exchange"},
	{Name: "ssl_dh_params_file", Kind: Text, Context: OnReload, Tools: Router, State: Ignored, Instead: "keys are exchanged over elliptic curves only", Help: "file with Diffie-Hellman parameters"},
	{Name: "ssl_passphrase_command", Kind: Text, Context: OnReload, Tools: Router | Watch | Promote | Recover, Help: "command that prints the passphrase of ssl_key"},
}

// poolParams are about server connections that outlive a client.
var poolParams = []Param{
	{Name: "connection_cache", Kind: Bool, Default: "on", Context: OnReload, Tools: Router, Help: "keep server connections when a client leaves"},
	{Name: "max_pool", Kind: Int, Min: 1, Default: "4", Context: OnReload, Tools: Router, Help: "pairs of user and database kept, in multiples of num_init_children"},
	{Name: "connection_life_time", Kind: Duration, Unit: Second, Default: "0", Context: OnReload, Tools: Router, Help: "an unused server connection is closed at this age; 0 never"},
	{Name: "reset_query_list", Kind: List, Separator: ";", Default: "ABORT;DISCARD ALL", Context: OnReload, Tools: Router, Help: "statements that clean a server connection when a client leaves"},
}
