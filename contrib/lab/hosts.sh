# A host is a process that is number 1 of its own pid, mount, network, uts and ipc namespaces: killing it ends
# everything on the host at once, as a power cut does. It is found by its command line, so no pid file can be stale.
# shellcheck shell=bash

HOST_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# host_pid HOST: prints the machine's number of the host's init; fails when it does not run.
host_pid() {
	local f pid
	while read -r f; do
		pid=${f//[!0-9]/}
		# unshare(1), which waits for the init, has the same words; the init alone is number 1 of a namespace.
		if grep -qsP '^NSpid:\t\d+\t1$' "/proc/$pid/status"; then
			echo "$pid"
			return
		fi
	done < <(grep -lzsxF -- "pgcrew-lab:$STATE:$1" /proc/[0-9]*/cmdline)
	return 1
}

host_ready() { grep -qsx ready "$STATE/hosts/$1/console"; }

host_up() {
	local host=$1 pid
	disk_up "$host"
	if ! pid=$(host_pid "$host") || ! host_ready "$host"; then
		host_kill "$host"
		: >"$STATE/hosts/$host/console"
		setsid unshare --pid --fork --kill-child --mount --net --uts --ipc \
			"$LAB_DIR/host-init" "pgcrew-lab:$STATE:$host" "$STATE" "$host" "$BIN" \
			</dev/null &>"$STATE/hosts/$host/console" 9<&- &
		until_true 20 host_ready "$host" ||
			die "$EX_TEMPORARY" "host $host does not come up: $(tail -n 3 "$STATE/hosts/$host/console")"
		pid=$(host_pid "$host")
		unplug "$host"
	fi
	plug "$host" "$pid"
}

host_gone() { [ ! -e "/proc/$1/ns" ] || grep -qs '^State:.*Z' "/proc/$1/status"; }

# host_kill HOST: returns when its last process is gone.
host_kill() {
	local pid
	pid=$(host_pid "$1") || return 0
	kill -KILL "$pid" 2>/dev/null || :
	until_true 30 host_gone "$pid" || die "$EX_TEMPORARY" "host $1 does not end (its init is process $pid)"
}

host_cut() {
	unplug "$1"
	host_kill "$1"
}

# as_user USER CMD...: runs it where we are, as that user, with a clean environment.
as_user() {
	local user=$1 home
	shift
	home=$(getent passwd "$user" | cut -d: -f6)
	setpriv --reuid="$user" --regid="$user" --init-groups \
		env -i PATH="$HOST_PATH" HOME="$home" USER="$user" LOGNAME="$user" LANG=C.UTF-8 TERM="${TERM:-dumb}" "$@"
}

# on HOST CMD... and on USER@HOST CMD...; without our lock (9), for a server that CMD starts would keep it.
on() {
	local user=root host=$1 pid term=${TERM:-dumb}
	shift
	if [[ $host == *@* ]]; then user=${host%%@*} host=${host#*@}; fi
	pid=$(host_pid "$host") || die "$EX_FAILED" "host $host is not up" "lab up starts it"
	as_user root nsenter -t "$pid" --mount --net --uts --ipc --pid --wd -- \
		bash -c "$(declare -f as_user); HOST_PATH=$HOST_PATH TERM=${term@Q}; as_user \"\$@\"" on "$user" "$@" 9<&-
}

# host_exec [USER@]HOST [CMD...]: the command's own exit status is the answer.
host_exec() {
	local host=${1:-}
	known_host "${host#*@}" || die "$EX_USAGE" "exec needs a host of: ${!ADDRESS[*]}"
	shift
	if [ $# = 0 ]; then set -- bash -c 'cd; exec bash'; fi
	on "$host" "$@"
}
