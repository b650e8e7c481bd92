# The crew's programs on their hosts, as user postgres, with the host's pgpool.conf.
# shellcheck shell=bash

crew_up() {
	local h tool
	for tool in $CREW; do
		for h in $(crew_hosts "$tool"); do crew_start "$h" "$tool"; done
	done
	for tool in $CREW; do
		for h in $(crew_hosts "$tool"); do
			until_true 30 crew_ready "$h" "$tool" || die "$EX_TEMPORARY" "$tool on $h does not get ready: $(crew_log "$h" "$tool")" \
				"lab exec $h less /var/log/pgpool_log/$tool.log"
		done
	done
}

# crew_hosts TOOL: where it runs. A witness only votes.
crew_hosts() {
	local h
	for h in $HOSTS; do
		case $1:$h in
		pgwatch:witness | *:db[12]) echo "$h" ;;
		esac
	done
}

# crew_start HOST TOOL: one that runs from a binary that has been built anew since is stopped first.
crew_start() {
	local pid
	if pid=$(crew_pid "$1" "$2"); then
		if on "$1" test "/proc/$pid/exe" -ef "/usr/local/bin/$2"; then return; fi
		note "$1: $2 has been built anew"
		on "$1" kill -TERM "$pid"
		until_true 10 crew_gone "$1" "$2" || on "$1" kill -KILL "$pid"
	fi
	on "$1" install -d -o postgres -g postgres /var/log/pgpool_log
	on "$1" setsid -f bash -c "exec $(crew_command "$1" "$2") --config /etc/pgpool2/pgpool.conf >/dev/null 2>>/var/log/pgpool_log/$2.log" </dev/null
}

# crew_command HOST TOOL: as its unit starts it: user postgres, and for pgvip the two capabilities that addresses need.
crew_command() {
	local caps=
	if [ "$2" = pgvip ]; then caps="--inh-caps=+net_admin,+net_raw --ambient-caps=+net_admin,+net_raw"; fi
	printf 'env HOME=/var/lib/postgresql USER=postgres setpriv --reuid=postgres --regid=postgres --init-groups %s %s ' "$caps" "$2"
	case $2:$1 in
	pgwatch:witness) echo "run --witness" ;;
	pgvip:*) echo "hold" ;;
	*) echo "run" ;;
	esac
}

# crew_stop HOST: SIGTERM to all of it at once, as when its unit is stopped.
crew_stop() {
	local tool pid pids=()
	for tool in $CREW; do
		if pid=$(crew_pid "$1" "$tool"); then pids+=("$pid"); fi
	done
	[ ${#pids[@]} = 0 ] || on "$1" kill -TERM "${pids[@]}"
	for tool in $CREW; do
		until_true 30 crew_gone "$1" "$tool" || die "$EX_FAILED" "$tool on $1 does not end" "lab exec $1 less /var/log/pgpool_log/$tool.log"
	done
}

crew_pid() { on "$1" pgrep -u postgres -x -o "$2"; }
crew_gone() { ! crew_pid "$@" >/dev/null; }
crew_log() { on "$1" tail -n 5 "/var/log/pgpool_log/$2.log" 2>&1; }

# crew_ready HOST TOOL: it serves; one that has ended already is not waited for.
crew_ready() {
	crew_pid "$1" "$2" >/dev/null || die "$EX_TEMPORARY" "$2 on $1 ended: $(crew_log "$1" "$2")" "bin/$2 check shows what its settings lack"
	case $2 in
	pgrouter) on "$1" pg_isready -q -h "${ADDRESS[$1]}" -p 9999 -U postgres -d postgres ;;
	pgwatch) on "postgres@$1" pgwatch status --config /etc/pgpool2/pgpool.conf 2>/dev/null | grep -q '^epoch [1-9].*quorum \(full\|edge\)' ;;
	pcpd) on "postgres@$1" pcp_node_count -h localhost -p 9898 -U pgpool -w >/dev/null 2>&1 ;;
	pgvip) on "postgres@$1" pgvip status --config /etc/pgpool2/pgpool.conf >/dev/null 2>&1 ;;
	esac
}

# What the crew says of itself. The first database host whose pgwatch answers is asked, in its JSON: a line has one member.
crew_status() {
	local h
	for h in $(databases); do
		if host_pid "$h" >/dev/null && on "postgres@$h" pgwatch status -j --config /etc/pgpool2/pgpool.conf 2>/dev/null; then return; fi
	done
}

# recovers_itself: auto_recover is on, which makes what was a primary a standby without being asked.
recovers_itself() { grep -Eqi "^auto_recover *= *'?(on|true|yes|1)" "$STATE/hosts/db1/etc/pgpool2/pgpool.conf"; }

# leader_host: the host whose pgwatch leads, nothing when none does.
leader_host() { crew_status | awk -F'"' '$2 == "name" { name = $4 } $2 == "leader" { sub(/[.:].*/, "", name); print name }'; }

# leads_but HOST: somebody else leads, who may have the address.
leads_but() {
	local leader
	leader=$(leader_host)
	[ -n "$leader" ] && [ "$leader" != witness ] && [ "$leader" != "$1" ]
}

# settled: a database host leads, all nodes are there, and so are all servers, of which nothing is under way.
settled() {
	local s
	s=$(crew_status)
	[ -n "$s" ] && leads_but witness &&
		! grep -qE '"(state|status)": "(left|dead|suspect|down|detached|quarantine.*)"|"failover": ' <<<"$s" &&
		[ "$(grep -c '"state": "alive"' <<<"$s")" = "$(crew_hosts pgwatch | wc -l)" ]
}

# attach_down: servers that a failover has left behind take part again, once they are standbys of the new primary.
attach_down() {
	local id
	for id in $(crew_status | awk '/"backends"/ { on = 1 } on && $1 == "\"id\":" { id = $2 + 0 } on && /"status": "(down|quarantined)"/ { print id }'); do
		on "postgres@$(databases | head -n 1)" pgwatch attach "$id" --config /etc/pgpool2/pgpool.conf
	done
}
