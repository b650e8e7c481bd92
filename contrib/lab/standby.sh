# A standby is kept while it follows the primary, and copied anew when it does not.
# shellcheck shell=bash

# standby_up HOST PRIMARY: keeps what is there when it follows the primary, and copies the primary otherwise.
standby_up() {
	if [ "$(data_of "$1")" = standby ]; then
		postgres_start "$1"
		# After a power cut of the primary it learns with its next status message, every 10 s, that its connection is gone.
		until_true 30 streams "$1" "$2" && return
		note "$1: does not follow $2"
	fi
	standby_create "$1" "$2"
	postgres_start "$1"
	until_true 60 streams "$1" "$2" || die "$EX_TEMPORARY" "PostgreSQL on $1 does not stream from $2" \
		"lab exec $1 tail /var/log/postgresql/postgresql-14-main.log"
}

streams() {
	[ "$(sql "$2" "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND client_addr = '${ADDRESS[$1]}'")" -gt 0 ]
}

# standby_create HOST PRIMARY: names of slot and application as the tutorial's recovery script makes them.
standby_create() {
	local slot=$1_$DOMAIN new=$DATA.new.$$
	note "$1: a copy of $2, as its standby"
	if [ "$(role_of "$1")" != down ]; then on "postgres@$1" "$PGBIN/pg_ctl" -D "$DATA" -m immediate stop >/dev/null; fi
	sql "$2" "SELECT pg_create_physical_replication_slot('$slot')
		WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot')" >/dev/null
	on "postgres@$1" "$PGBIN/pg_basebackup" -D "$new" --no-sync -X stream -c fast -S "$slot" -R \
		-d "host=$2.$DOMAIN port=5432 user=repl application_name=$1.$DOMAIN passfile=/var/lib/postgresql/.pgpass" </dev/null
	data_replace "$1" "$new"
}
