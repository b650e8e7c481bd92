# Section 5.6: the primary is killed, and the standby takes its place. Then what was the primary is made a standby: by hand, or with
# auto_recover = on, which the tutorial does not have, by the crew.
# shellcheck shell=bash disable=SC2154

# fail_over COMMAND...: types it on the primary, as postgres, and looks at what comes of it.
fail_over() {
	local old new
	settle
	old=$(role_host primary) new=$(role_host standby)
	printf '%s$ %s\n' "$old" "$(typed "$@")"
	on "postgres@$old" "$@" </dev/null >/dev/null
	# A server that comes back by itself may have done so before anybody looks.
	if recovers_itself; then nodes_become "$new" "up up primary primary"
	else nodes_become "$old" "down down standby unknown" "$new" "up up primary primary"; fi
	client psql -At -h "$VIP" -p 9999 -U postgres test -c "update test.test set value=value+1 where id=1"
	expect "a write through the virtual address" "UPDATE 1" "$output"
	come_back "$old" "$new"
}

# come_back OLD NEW: the old primary is recovered, with Pgpool-II's program.
come_back() {
	if recovers_itself; then
		title "5.6 The old primary becomes a standby by itself"
		until_true 120 nodes_are "$1" "up up standby standby" || :
	else
		title "5.6 The old primary becomes a standby"
		pgpool_pcp recovery_node -n "$(node_of "$1")"
		expect "the answer" "pcp_recovery_node -- Command Successful" "$output"
	fi
	nodes_become "$1" "up up standby standby" "$2" "up up primary primary"
	wait_replay
	expect "what was written meanwhile is on it" "$(sql "$2" "select value from test.test" test)" "$(sql "$1" "select value from test.test" test)"
}

title "5.6 Failover: the primary is stopped at once"
fail_over "$PGBIN/pg_ctl" -D "$DATA" -m immediate stop
title "5.6 Failover: the postmaster is killed"
fail_over bash -c "kill -9 \$(head -n 1 $DATA/postmaster.pid)"
