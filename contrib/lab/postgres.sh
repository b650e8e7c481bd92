# The PostgreSQL servers: whose data go on, and the primary that has them.
# shellcheck shell=bash

DATA=/var/lib/postgresql/14/main
PGBIN=/usr/lib/postgresql/14/bin

# sql HOST STATEMENT [DATABASE]: as the superuser over the host's own socket.
sql() { on "postgres@$1" psql -XqAt -v ON_ERROR_STOP=1 -c "$2" "${3:-postgres}" </dev/null; }

# role_of HOST: primary, standby or down, as the server says.
role_of() {
	case $(host_pid "$1" >/dev/null && sql "$1" "SELECT pg_is_in_recovery()" 2>/dev/null) in
	f) echo primary ;;
	t) echo standby ;;
	*) echo down ;;
	esac
}

# timeline_of HOST: of the data on its disk; the newest timeline is the history to keep. The control file
# names it only from the next checkpoint on, the history file is written by the promotion itself.
timeline_of() {
	local f newest=1
	for f in "$STATE/hosts/$1$DATA"/pg_wal/????????.history; do
		f=${f##*/}
		if [[ $f == [0-9A-F]* ]] && ((16#${f%.history} > newest)); then newest=$((16#${f%.history})); fi
	done
	echo "$newest"
}

postgres_up() {
	local primary h
	primary=$(choose_primary)
	if [ -z "$primary" ]; then
		primary=db1
		postgres_create "$primary"
	fi
	postgres_start "$primary"
	if [ "$(role_of "$primary")" = standby ]; then
		note "$primary: promoted, the data of the primary are gone"
		sql "$primary" "SELECT pg_promote()" >/dev/null
	fi
	postgres_roles "$primary"
	# Those that the crew, which starts next, may make standbys by itself.
	former=
	for h in $(databases); do
		case $h:$(data_of "$h") in
		"$primary":*) ;;
		*:standby) postgres_start "$h" ;;
		*:primary) former+=" $h" ;;
		esac
	done
}

# choose_primary: the host whose data go on, none when there are no data. A running primary comes before a
# stopped one and that before a standby; among equals the newer timeline.
choose_primary() {
	local h
	for h in $(databases); do
		case $(role_of "$h"):$(data_of "$h") in
		primary:*) echo "2 $(timeline_of "$h") $h" ;;
		down:primary) echo "1 $(timeline_of "$h") $h" ;;
		*:standby) echo "0 $(timeline_of "$h") $h" ;;
		esac
	done | sort -s -k1,1nr -k2,2nr | sed -n '1s/.* //p'
}

# data_of HOST: primary, standby or none, as the files on its disk say.
data_of() {
	local data=$STATE/hosts/$1$DATA
	if [ ! -e "$data/PG_VERSION" ]; then
		echo none
	elif [ -e "$data/standby.signal" ]; then
		echo standby
	else
		echo primary
	fi
}

# postgres_create HOST: an empty cluster, moved to its place when it is whole.
postgres_create() {
	local f new=$DATA.new.$$
	note "$1: a new cluster of PostgreSQL $(lab_version)"
	on "postgres@$1" "$PGBIN/initdb" -D "$new" --no-sync -E UTF8 --locale=C.UTF-8 -A peer >/dev/null </dev/null
	for f in recovery_1st_stage pgpool_remote_start; do
		put "$f" "$STATE/hosts/$1$new/$f" postgres 744
	done
	data_replace "$1" "$new"
}

# data_replace HOST NEW: what an earlier, killed run was writing goes too.
data_replace() {
	on "postgres@$1" rm -rf "$DATA"
	on "postgres@$1" mv "$2" "$DATA"
	on "postgres@$1" bash -c "rm -rf $DATA.new.*" 2>/dev/null || :
}

postgres_start() {
	[ "$(role_of "$1")" = down ] || return 0
	# Exit status 2 says that it runs, as when it is on its way up.
	on "postgres@$1" pg_ctlcluster 14 main start </dev/null >&2 || [ $? = 2 ] ||
		die "$EX_TEMPORARY" "PostgreSQL on $1 does not start" "lab exec $1 tail /var/log/postgresql/postgresql-14-main.log"
	until_true 60 postgres_answers "$1" || die "$EX_TEMPORARY" "PostgreSQL on $1 does not answer within a minute"
}

postgres_answers() { [ "$(role_of "$1")" != down ]; }

# postgres_roles HOST: the accounts of section 3, and the extension of section 4.
postgres_roles() {
	[ "$SCRIPTS" = no ] || sql "$1" "CREATE EXTENSION IF NOT EXISTS pgpool_recovery" template1 2>/dev/null || note "$1: no extension pgpool_recovery"
	[ "$(sql "$1" "SELECT count(*) FROM pg_authid WHERE rolname IN ('pgpool', 'repl', 'postgres') AND rolpassword IS NOT NULL")" != 3 ] || return 0
	sql "$1" "
		SET password_encryption = 'scram-sha-256';
		DO \$\$ BEGIN
			IF to_regrole('pgpool') IS NULL THEN CREATE ROLE pgpool LOGIN; END IF;
			IF to_regrole('repl') IS NULL THEN CREATE ROLE repl LOGIN REPLICATION; END IF;
		END \$\$;
		GRANT pg_monitor TO pgpool;
		ALTER ROLE pgpool PASSWORD 'postgres';
		ALTER ROLE repl PASSWORD 'postgres';
		ALTER ROLE postgres PASSWORD 'postgres'"
}
