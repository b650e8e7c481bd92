# Section 5.1: PostgreSQL and the crew are started on both servers.
# shellcheck shell=bash

title "5.1 Start PostgreSQL and the crew"
for h in $(databases); do
	printf '%s# systemctl stop pgpool2\n' "$h"
	crew_stop "$h"
done
for h in $(databases); do
	printf '%s# systemctl restart postgresql\n' "$h"
	on "$h" pg_ctlcluster 14 main restart </dev/null
done
since=$(date -u +%Y-%m-%dT%H:%M:%S)
printf 'both# systemctl start pgpool2\n'
crew_up
settle
for h in $(databases); do
	printf '%s$ less /var/log/pgpool_log/*.log\n' "$h"
	output=$(on "$h" bash -c "awk -F'[= ]' -v since=$since '\$2 >= since && / level=ERROR /' /var/log/pgpool_log/*.log")
	[ -z "$output" ] || printf '%s\n' "$output"
	expect "no error in the logs of $h" "" "$output"
done
