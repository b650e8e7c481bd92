# Section 6, first option: a second standby, db3, is added to the crew that runs. Afterwards it is taken away again.
# shellcheck shell=bash disable=SC2154

# configure: appends what is on standard input to pgpool.conf everywhere, as one edits it by hand.
configure() {
	local h text
	text=$(cat)
	for h in $(crew_hosts pgwatch); do printf '%s\n' "$text" >>"$STATE/hosts/$h/etc/pgpool2/pgpool.conf"; done
}

# unconfigure PATTERN: removes lines again.
unconfigure() {
	local h
	for h in $(crew_hosts pgwatch); do sed -i "/$1/d" "$STATE/hosts/$h/etc/pgpool2/pgpool.conf"; done
}

node_count_is() { [ "$(on client pcp_node_count -h "$VIP" -p 9898 -U pgpool -w 2>/dev/null)" = "$1" ]; }

title "6.1 Add a second standby"
settle
primary=$(role_host primary) standby=$(role_host standby)
hosts_before=$HOSTS
slots=$(slots "$primary")
HOSTS+=" db3"
host_up db3
ssh_up
for h in $(databases); do
	home=$STATE/hosts/$h/var/lib/postgresql
	grep -q "^db3\.$DOMAIN:" "$home/.pgpass" || sed -i "s/^db2\.\($DOMAIN:.*\)/&\ndb3.\1/" "$home/.pgpass"
done
unconfigure '^backend_[a-z_]*2 '
configure <<CONF
backend_hostname2 = 'db3.$DOMAIN'
backend_port2 = 5432
backend_weight2 = 1
backend_data_directory2 = '$DATA'
backend_flag2 = 'ALLOW_TO_FAILOVER'
backend_application_name2 = 'server3'
CONF
pcp reload_config -s cluster
expect "the answer" "pcp_reload_config -- Command Successful" "$output"
until_true 30 node_count_is 3 || :
pcp_both node_count
expect "servers" 3 "$output"
pcp recovery_node -n 2
expect "the answer" "pcp_recovery_node -- Command Successful" "$output"
nodes_become "$primary" "up up primary primary" "$standby" "up up standby standby" db3 "up up standby standby"
expect "the weights" "0.333333 0.333333 0.333333" "$(column lb_weight | paste -sd' ')"
client psql -At -h "$VIP" -p 9999 -U postgres test -c "update test.test set value=value+1 where id=1"
wait_replay
expect "what is written arrives on it" "$(sql "$primary" "select value from test.test" test)" "$(sql db3 "select value from test.test" test)"

title "6.1 Take it away again"
pcp detach_node -n 2
# In order, for the primary would otherwise take a connection to a server without power for alive for a minute.
printf 'db3# pg_ctlcluster 14 main stop\n'
on db3 pg_ctlcluster 14 main stop </dev/null
unconfigure '^backend_[a-z_]*2 '
pcp reload_config -s cluster
until_true 30 node_count_is 2 || :
pcp node_count
expect "servers" 2 "$output"
host_cut db3
rm -rf "$STATE/hosts/db3"
HOSTS=$hosts_before
until_true 30 slots_are "$primary" "$slots" || :
expect "no replication slot is left behind" "$slots" "$(slots "$primary")"
