# Names and numbers that the other parts share.
# shellcheck shell=bash disable=SC2034

STATE=${LAB_STATE:-/run/pgcrew-lab}
CREW=${LAB_CREW-pgwatch pgvip pgrouter pcpd}
FILES=${LAB_FILES:-$LAB_DIR/files}
BIN=$(cd -- "$LAB_DIR/../.." && pwd)/bin
DOMAIN=lab

# 198.51.100.0/24 is TEST-NET-2 (RFC 5737): it is nobody's, so no machine loses a real neighbour to the lab.
declare -A ADDRESS=([db1]=198.51.100.11 [db2]=198.51.100.12 [witness]=198.51.100.13 [db3]=198.51.100.14 [client]=198.51.100.50)
NETWORK=198.51.100.0/24
PREFIX=24
MACHINE=198.51.100.1
VIP=198.51.100.100

# The hosts: those of the lab that is up, else LAB_HOSTS, else three votes; HOSTS=2 is the tutorial's own two.
if [ -s "$STATE/hostlist" ]; then
	HOSTS=$(cat "$STATE/hostlist")
elif [ -n "${LAB_HOSTS:-}" ]; then
	HOSTS=$LAB_HOSTS
elif [ "${HOSTS:-3}" = 2 ]; then
	HOSTS="db1 db2 client"
else
	HOSTS="db1 db2 witness client"
fi

# With SCRIPTS=no the crew does by itself what the tutorial's commands and scripts do.
SCRIPTS=${SCRIPTS:-yes}
COMMANDS="failover_command|follow_primary_command|recovery_1st_stage_command|wd_escalation_command|if_up_cmd|if_down_cmd|arping_cmd"

known_host() { [ -n "$1" ] && [ -n "${ADDRESS[$1]:-}" ]; }
is_database() { [[ $1 == db? ]]; }
# The second standby of section 6 is a server alone, as one would add it to a crew that runs.
runs_crew() { [ "$1" != client ] && [ "$1" != db3 ]; }
databases() {
	local h
	for h in $HOSTS; do if is_database "$h"; then echo "$h"; fi; done
}

# lab_version: the major version that the running lab was made with, else LAB_PG, else the newest installed.
lab_version() {
	if [ -s "$STATE/version" ]; then
		cat "$STATE/version"
	elif [ -n "${LAB_PG:-}" ]; then
		echo "$LAB_PG"
	else
		local p
		for p in /usr/lib/postgresql/*/bin/postgres; do
			p=${p#/usr/lib/postgresql/}
			echo "${p%/bin/postgres}"
		done | sort -n | tail -n 1
	fi
}

# check_settings: everything that can be wrong before anything is made.
check_settings() {
	local h tool v
	for h in $HOSTS; do
		known_host "$h" || die "$EX_USAGE" "LAB_HOSTS: no host is called $h" "there are: ${!ADDRESS[*]}"
	done
	[[ " $HOSTS " == *" db1 "* ]] || die "$EX_USAGE" "LAB_HOSTS: db1 is missing, it is where the data begin"
	[[ $SCRIPTS == yes || $SCRIPTS == no ]] || die "$EX_USAGE" "SCRIPTS is yes or no, not $SCRIPTS"
	[ -d "$FILES" ] || die "$EX_USAGE" "LAB_FILES: $FILES is not a folder"
	v=$(lab_version)
	[ -x "/usr/lib/postgresql/$v/bin/postgres" ] ||
		die "$EX_USAGE" "/usr/lib/postgresql/$v/bin/postgres is missing" "install postgresql-$v, or set LAB_PG"
	for tool in $CREW; do
		[ -x "$BIN/$tool" ] ||
			die "$EX_USAGE" "$BIN/$tool is missing" "build it with make, or set LAB_CREW= for PostgreSQL alone"
	done
}
