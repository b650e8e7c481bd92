# Section 5.6: the primary is killed, and the standby takes its place. Then what was the primary is made a standby.
# shellcheck shell=bash

# failed_over OLD NEW: the router behind the virtual address says that the old primary is down and the new one takes writes.
failed_over() {
	output=$(on client env PGPASSWORD=postgres PGCONNECT_TIMEOUT=5 psql -h "$VIP" -p 9999 -U pgpool postgres -c "show pool_nodes" 2>/dev/null) || return 1
	[ "$(node_row "$1")" = "down down standby unknown" ] && [ "$(node_row "$2")" = "up up primary primary" ]
}

# recovered OLD NEW
recovered() {
	output=$(on client env PGPASSWORD=postgres PGCONNECT_TIMEOUT=5 psql -h "$VIP" -p 9999 -U pgpool postgres -c "show pool_nodes" 2>/dev/null) || return 1
	[ "$(node_row "$1")" = "up up standby standby" ] && [ "$(node_row "$2")" = "up up primary primary" ]
}

# node_row HOST: status, pg_status, role and pg_role of its server in $output. A server without sessions is "waiting" to
# Pgpool-II and to us; the tutorial's is "up", because it has been asked.
node_row() {
	local at values=() name
	at=$(node_of "$1")
	for name in status pg_status role pg_role; do values+=("$(column "$name" | sed -n "$((at + 1))p")"); done
	values[0]=${values[0]/waiting/up}
	echo "${values[*]}"
}

# fail_over COMMAND...: types it on the primary, as postgres, and looks at what comes of it.
fail_over() {
	local old new
	until_true 60 settled || die "$EX_FAILED" "walk: the crew does not settle: $(crew_status)"
	old=$(role_host primary) new=$(role_host standby)
	printf '%s$ %s\n' "$old" "$(typed "$@")"
	on "postgres@$old" "$@" </dev/null >/dev/null
	until_true 60 failed_over "$old" "$new" || :
	client psql -h "$VIP" -p 9999 -U pgpool postgres -c "show pool_nodes"
	expect "the old primary $old" "down down standby unknown" "$(node_row "$old")"
	expect "the new primary $new" "up up primary primary" "$(node_row "$new")"
	client psql -At -h "$VIP" -p 9999 -U postgres test -c "update test.test set value=value+1 where id=1"
	expect "a write through the virtual address" "UPDATE 1" "$output"

	title "5.6 The old primary becomes a standby"
	standby_up "$old" "$new"
	attach_down
	until_true 60 recovered "$old" "$new" || :
	client psql -h "$VIP" -p 9999 -U pgpool postgres -c "show pool_nodes"
	expect "the recovered standby $old" "up up standby standby" "$(node_row "$old")"
	wait_replay
	expect "what was written meanwhile is on it" "$(sql "$new" "select value from test.test" test)" "$(sql "$old" "select value from test.test" test)"
}

title "5.6 Failover: the primary is stopped at once"
fail_over "$PGBIN/pg_ctl" -D "$DATA" -m immediate stop
title "5.6 Failover: the postmaster is killed"
fail_over bash -c "kill -9 \$(head -n 1 $DATA/postmaster.pid)"
