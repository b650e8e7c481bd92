# The crew's programs on the database hosts, as user postgres, with the host's pgpool.conf.
# shellcheck shell=bash

crew_up() {
	local h tool
	for tool in $CREW; do
		for h in $(databases); do crew_start "$h" "$tool"; done
	done
	for tool in $CREW; do
		for h in $(databases); do
			until_true 30 crew_ready "$h" "$tool" || die "$EX_TEMPORARY" "$tool on $h does not get ready: $(crew_log "$h" "$tool")" \
				"lab exec $h less /var/log/pgpool_log/$tool.log"
		done
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
	on "postgres@$1" setsid -f bash -c "exec $2 run --config /etc/pgpool2/pgpool.conf >>/var/log/pgpool_log/$2.log 2>&1" </dev/null
}

crew_pid() { on "$1" pgrep -u postgres -x -o "$2"; }
crew_gone() { ! crew_pid "$@" >/dev/null; }
crew_log() { on "$1" tail -n 5 "/var/log/pgpool_log/$2.log" 2>&1; }

# crew_ready HOST TOOL: it serves; one that has ended already is not waited for.
crew_ready() {
	crew_pid "$1" "$2" >/dev/null || die "$EX_TEMPORARY" "$2 on $1 ended: $(crew_log "$1" "$2")" "bin/$2 check shows what its settings lack"
	case $2 in
	pgrouter) on "$1" pg_isready -q -h "${ADDRESS[$1]}" -p 9999 -U postgres -d postgres ;;
	esac
}
