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

# show_status HOST: what pgwatch there says.
show_status() {
	printf '%s$ pgwatch status\n' "$1"
	on "postgres@$1" pgwatch status --config /etc/pgpool2/pgpool.conf
}

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
