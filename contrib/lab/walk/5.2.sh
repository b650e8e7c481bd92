# Section 5.2: a server that does not run is made a standby.
# shellcheck shell=bash disable=SC2154

title "5.2 Bring up the standby replica node"
standby=$(role_host standby)
primary=$(role_host primary)
printf '%s# pg_ctlcluster 14 main stop\n' "$standby"
on "$standby" pg_ctlcluster 14 main stop </dev/null
pcp recovery_node -n "$(node_of "$standby")"
expect "the answer" "pcp_recovery_node -- Command Successful" "$output"
nodes_become "$primary" "up up primary primary" "$standby" "up up standby standby"
expect "the weights" "0.500000 0.500000" "$(column lb_weight | paste -sd' ')"
