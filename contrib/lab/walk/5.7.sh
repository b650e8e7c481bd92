# Section 5.7: a server is taken out of service, and comes back.
# shellcheck shell=bash

settle
primary=$(role_host primary) standby=$(role_host standby)

title "5.7 Detach the standby"
pcp detach_node -n "$(node_of "$standby")"
expect "the answer" "pcp_detach_node -- Command Successful" "$output"
nodes_become "$primary" "up up primary primary" "$standby" "down up standby standby"
client psql -At -h "$VIP" -p 9999 -U postgres test -c "update test.test set value=value+1 where id=1"
wait_replay
expect "replication goes on" "$(sql "$primary" "select value from test.test" test)" "$(sql "$standby" "select value from test.test" test)"
pgpool_pcp attach_node -n "$(node_of "$standby")"
expect "the answer" "pcp_attach_node -- Command Successful" "$output"
nodes_become "$primary" "up up primary primary" "$standby" "up up standby standby"

title "5.7 Detach the primary"
pgpool_pcp detach_node -n "$(node_of "$primary")"
expect "the answer" "pcp_detach_node -- Command Successful" "$output"
nodes_become "$primary" "down down standby unknown" "$standby" "up up primary primary"
client psql -At -h "$VIP" -p 9999 -U postgres test -c "update test.test set value=value+1 where id=1"
expect "a write through the virtual address" "UPDATE 1" "$output"
printf 'client$ pcp_attach_node -h %s -p 9898 -U pgpool -w -n %s\n' "$VIP" "$(node_of "$primary")"
if output=$(on client pcp_attach_node -h "$VIP" -p 9898 -U pgpool -w -n "$(node_of "$primary")" 2>&1); then answer=accepted; else answer=refused; fi
printf '%s\n' "$output"
expect "what is no standby cannot be attached" refused "$answer"
pcp recovery_node -n "$(node_of "$primary")"
expect "the answer" "pcp_recovery_node -- Command Successful" "$output"
nodes_become "$primary" "up up standby standby" "$standby" "up up primary primary"

title "5.7 The first primary takes over again"
settle
pcp promote_node -s -n "$(node_of "$primary")"
expect "the answer" "pcp_promote_node -- Command Successful" "$output"
nodes_become "$primary" "up up primary primary" "$standby" "up up standby standby"
