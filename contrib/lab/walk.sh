# The tutorial's steps, typed on the client host with the real psql, and each result checked.
# The steps themselves are in walk/, one file a section, in the tutorial's order.
# shellcheck shell=bash

# shellcheck disable=SC2034 # the sections use it
ENTRY=${LAB_ENTRY:-${ADDRESS[db1]}}

# walk [SECTION...]: all sections, or those named (5.3); stops at the first step that does not do what it should.
walk() {
	local section file names=()
	for file in "$LAB_DIR"/walk/*.sh; do names+=("$(basename -- "$file" .sh)"); done
	for section in "${@:-${names[@]}}"; do
		file=$LAB_DIR/walk/$section.sh
		[ -e "$file" ] || die "$EX_USAGE" "no section $section" "there are: ${names[*]}"
		# shellcheck source=/dev/null
		. "$file"
	done
	printf '\nEverything went as the tutorial says.\n'
}

title() { printf '\n== %s\n' "$*"; }

# client CMD...: runs it on the client with the password known, shows both, and leaves the output in $output.
client() {
	printf 'client$ %s\n' "$(typed "$@")"
	output=$(on client env PGPASSWORD=postgres "$@" 2>&1) || {
		local status=$?
		printf '%s\n' "$output"
		die "$EX_FAILED" "walk: the command above ended with status $status"
	}
	[ -z "$output" ] || printf '%s\n' "$output"
}

# pcp NAME ARGUMENT...: a pcp command on the client, at the virtual address. The client's .pcppass has the password.
pcp() {
	local name=$1
	shift
	client "pcp_$name" -h "$VIP" -p 9898 -U pgpool -w "$@"
}

# pgpool_pcp NAME ARGUMENT...: Pgpool-II's own program of that name, where its package is installed.
pgpool_pcp() {
	local program=/usr/sbin/pcp_$1
	[ -x "$program" ] || program=pcp_$1
	shift
	client "$program" -h "$VIP" -p 9898 -U pgpool -w "$@"
}

# pcp_both NAME ARGUMENT...: our program and Pgpool-II's print the same.
pcp_both() {
	local ours
	pcp "$@"
	ours=$output
	pgpool_pcp "$@"
	expect "Pgpool-II's pcp_$1 prints the same" "$ours" "$output"
}

# pool_nodes: SHOW POOL_NODES in $output.
pool_nodes() { client psql -h "$VIP" -p 9999 -U pgpool postgres -c "show pool_nodes"; }

# pool_nodes_now: the same for those who wait, without a word; fails when nobody answers.
pool_nodes_now() {
	output=$(on client env PGPASSWORD=postgres PGCONNECT_TIMEOUT=5 psql -h "$VIP" -p 9999 -U pgpool postgres -c "show pool_nodes" 2>/dev/null)
}

# node_row HOST: status, pg_status, role and pg_role of its server in $output. A server without sessions is "waiting" to
# Pgpool-II and to us; the tutorial's is "up", because it has been asked.
node_row() {
	local at values=() name
	at=$(column hostname | grep -nx "$1.$DOMAIN" | cut -d: -f1)
	for name in status pg_status role pg_role; do values+=("$(column "$name" | sed -n "${at:-0}p")"); done
	values[0]=${values[0]/waiting/up}
	echo "${values[*]}"
}

# nodes_become HOST ROW [HOST ROW]...: waits until SHOW POOL_NODES says so, prints it, and checks the table.
nodes_become() {
	until_true 60 nodes_are "$@" || :
	pool_nodes
	expect "the columns of the table" \
		"node_id hostname port status pg_status lb_weight role pg_role select_cnt load_balance_node replication_delay replication_state replication_sync_state last_status_change" \
		"$(sed -n '1s/[ |]\+/ /g; 1s/^ //; 1s/ $//p' <<<"$output")"
	while [ $# -gt 0 ]; do
		expect "$1 in the table" "$2" "$(node_row "$1")"
		shift 2
	done
}

nodes_are() {
	pool_nodes_now || return 1
	while [ $# -gt 0 ]; do
		[ "$(node_row "$1")" = "$2" ] || return 1
		shift 2
	done
}

# settle: waits until nothing is under way.
settle() { until_true 60 settled || die "$EX_FAILED" "walk: the crew does not settle: $(crew_status)"; }

# typed WORD...: as a person would type it.
typed() {
	local w line=
	for w in "$@"; do
		case $w in
		*[!A-Za-z0-9_./:=@,+-]*) line+=" \"$w\"" ;;
		*) line+=" $w" ;;
		esac
	done
	printf '%s' "${line# }"
}

# expect WHAT WANTED GOT
expect() {
	if [ "$2" != "$3" ]; then
		printf 'NOT ok: %s\n' "$1"
		die "$EX_FAILED" "walk: $1: expected $(quoted "$2"), got $(quoted "$3")"
	fi
	printf 'ok: %s\n' "$1"
}

quoted() { printf '"%s"' "${1//$'\n'/ / }"; }

# role_host ROLE: the first database host that is primary or standby now.
role_host() {
	local h
	for h in $(databases); do
		if [ "$(role_of "$h")" = "$1" ]; then
			echo "$h"
			return
		fi
	done
	die "$EX_FAILED" "walk: no database host is a $1 now" "lab up puts that right"
}

# wait_replay: until every standby has replayed what the primary has written so far.
wait_replay() {
	local lsn h
	lsn=$(sql "$(role_host primary)" "SELECT pg_current_wal_lsn()")
	for h in $(databases); do
		[ "$(role_of "$h")" = standby ] || continue
		until_true 30 replayed "$h" "$lsn" || die "$EX_FAILED" "walk: $h has not replayed $lsn after 30 s"
	done
}

replayed() { [ "$(sql "$1" "SELECT pg_last_wal_replay_lsn() >= '$2'")" = t ]; }

# column NAME: of the aligned table in $output, one value a line. Told by its heading, for columns may be added.
column() {
	awk -F'|' -v name="$1" '
		function trim(s) { gsub(/^ +| +$/, "", s); return s }
		NR == 1 { for (i = 1; i <= NF; i++) if (trim($i) == name) at = i; next }
		at && NF > 1 && !/^-/ { print trim($at) }' <<<"$output"
}

# slots HOST: the names of its replication slots in one line. One that nobody uses keeps WAL for nobody.
slots() { sql "$1" "SELECT string_agg(slot_name, ' ' ORDER BY slot_name) FROM pg_replication_slots"; }
slots_are() { [ "$(slots "$1")" = "$2" ]; }
