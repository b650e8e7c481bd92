# A standby is kept while it follows the primary, and recovered when it does not: section 5.2 of the tutorial.
# shellcheck shell=bash

standbys_up() {
	local primary h
	primary=$(role_host primary)
	for h in $(databases); do
		[ "$h" = "$primary" ] || standby_up "$h" "$primary"
	done
}

# standby_up HOST PRIMARY
standby_up() {
	# After a power cut of the primary it learns with its next status message, every 10 s, that its connection is gone.
	if [ "$(role_of "$1")" = standby ] && until_true 30 streams "$1" "$2"; then return; fi
	# shellcheck disable=SC2154 # postgres_up has looked
	if [[ " $former " == *" $1 "* && " $CREW " == *" pgwatch "* ]] && recovers_itself; then
		note "$1: started as at a boot; the crew is to make it a standby of $2"
		# pgwatch, in a pid namespace like a container's, does not believe that a server is dead which it has never seen run.
		on "postgres@$1" pg_ctlcluster 14 main start </dev/null >&2 || :
		# A base backup streams as well, so that the crew is asked, which attaches the server in the end.
		until_true 120 settled || :
		if [ "$(role_of "$1")" = standby ] && streams "$1" "$2"; then return; fi
	fi
	if [ "$(role_of "$1")" != down ]; then on "postgres@$1" "$PGBIN/pg_ctl" -D "$DATA" -m immediate stop >/dev/null; fi
	if [[ " $CREW " == *" pcpd "* ]]; then
		note "$1: recovered, as a standby of $2"
		on client pcp_recovery_node -h "$VIP" -p 9898 -U pgpool -w -n "$(node_of "$1")" >&2
	else
		standby_copy "$1" "$2"
	fi
	until_true 60 streams "$1" "$2" || die "$EX_TEMPORARY" "PostgreSQL on $1 does not stream from $2" \
		"lab exec $1 tail /var/log/postgresql/postgresql-14-main.log"
}

streams() {
	[ "$(sql "$2" "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND client_addr = '${ADDRESS[$1]}'")" -gt 0 ]
}

# standby_copy HOST PRIMARY: for a lab without the crew; the server of the host does not run. Names of slot and application
# are the tutorial's recovery script's.
standby_copy() {
	local slot=$1_$DOMAIN new=$DATA.new.$$
	note "$1: a copy of $2, as its standby"
	sql "$2" "SELECT pg_create_physical_replication_slot('$slot')
		WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot')" >/dev/null
	on "postgres@$1" "$PGBIN/pg_basebackup" -D "$new" --no-sync -X stream -c fast -S "$slot" -R \
		-d "host=$2.$DOMAIN port=5432 user=repl application_name=$1.$DOMAIN passfile=/var/lib/postgresql/.pgpass" </dev/null
	data_replace "$1" "$new"
	postgres_start "$1"
}
