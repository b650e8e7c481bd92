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

until_true 60 settled || die "$EX_FAILED" "walk: the crew does not settle: $(crew_status)"
leader=$(leader_host)
show_status "$leader"
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
show_status "$next"
expect "the stopped node has left" left "$(member_state "$leader")"
expect "the address is where the new leader is" "$next" "$(holders)"
expect "the client finds it at the new leader's network card" "$next" "$(holder_seen)"

printf '%s# systemctl start pgpool2\n' "$leader"
crew_up
until_true 60 settled || die "$EX_FAILED" "walk: the crew does not settle: $(crew_status)"
show_status "$leader"
expect "the node that came back does not take over" "$next" "$(leader_host)"
expect "nor does it take the address" "$next" "$(holders)"
