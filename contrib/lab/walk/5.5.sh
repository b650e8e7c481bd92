# Section 5.5: the host of the leader stops its crew; another node leads, and the address goes there.
# shellcheck shell=bash disable=SC2154 # $output is what client leaves

title "5.5 High availability: the leader is stopped"
# holder_seen: whose network card the client's neighbour table has for the virtual address.
holder_seen() {
	local seen h
	seen=$(on client ip neigh show "$VIP")
	for h in $(databases); do [[ $seen != *" $(mac "$h") "* ]] || echo "$h"; done
}

# holders: the hosts that have the virtual address.
holders() {
	local h
	for h in $(databases); do [ -z "$(on "$h" ip -o addr show to "$VIP")" ] || echo "$h"; done
}

address_at() { [ "$(holders)" = "$1" ]; }

# watchdog LEADER HOST STATE...: pcp_watchdog_info says that of the hosts, and so does Pgpool-II's program.
watchdog() {
	local leader=$1 votes
	shift
	until_true 30 watchdog_is "$@" || :
	pcp_both watchdog_info
	votes=$(crew_hosts pgwatch | wc -l)
	expect "the cluster" "$votes $votes YES $leader.$DOMAIN:9999 Linux $leader $leader.$DOMAIN" "$(head -n 1 <<<"$output")"
	while [ $# -gt 0 ]; do
		expect "the node $1" "$1.$DOMAIN:9999 Linux $1 $1.$DOMAIN 9999 9000 $2 0 MEMBER" "$(grep "^$1.$DOMAIN:" <<<"$output")"
		shift 2
	done
}

watchdog_is() {
	output=$(on client pcp_watchdog_info -h "$VIP" -p 9898 -U pgpool -w 2>/dev/null) || return 1
	while [ $# -gt 0 ]; do
		grep -q "^$1\.$DOMAIN:.* $2 0 MEMBER$" <<<"$output" || return 1
		shift 2
	done
}

# others HOST STATE: for each database host but that one.
others() {
	local h
	for h in $(databases); do [ "$h" = "$1" ] || printf '%s\n%s\n' "$h" "$2"; done
}

settle
leader=$(leader_host)
mapfile -t standbys < <(others "$leader" "7 STANDBY")
watchdog "$leader" "$leader" "4 LEADER" "${standbys[@]}"
until_true 10 address_at "$leader" || :
expect "the address is where the leader is" "$leader" "$(holders)"
client psql -h "$VIP" -p 9999 -U postgres test -c "select * from test.test"
expect "the client finds the address at the leader's network card" "$leader" "$(holder_seen)"

printf '%s# systemctl stop pgpool2\n' "$leader"
crew_stop "$leader"
until_true 30 leads_but "$leader" || die "$EX_FAILED" "walk: nobody leads after $leader stopped: $(crew_status)"
next=$(leader_host)
client psql -h "$VIP" -p 9999 -U postgres test -c "select * from test.test"
expect "the query through the virtual address" " id | value 
----+-------
  1 |    10
(1 row)" "$(head -n 4 <<<"$output")"
watchdog "$next" "$next" "4 LEADER" "$leader" "10 SHUTDOWN"
expect "the address is where the new leader is" "$next" "$(holders)"
expect "the client finds it at the new leader's network card" "$next" "$(holder_seen)"

printf '%s# systemctl start pgpool2\n' "$leader"
crew_up
settle
watchdog "$next" "$next" "4 LEADER" "$leader" "7 STANDBY"
expect "the node that came back does not take over" "$next" "$(leader_host)"
expect "nor does it take the address" "$next" "$(holders)"
