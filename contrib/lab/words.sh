# What the lab says, and the statuses it ends with (the crew's own, see common/exit).
# shellcheck shell=bash disable=SC2034

EX_FAILED=1
EX_USAGE=100
EX_TEMPORARY=111

note() { printf 'lab: %s\n' "$*" >&2; }

# die STATUS ERROR [HINT]
die() {
	printf 'lab: error: %s\n' "$2" >&2
	[ -z "${3:-}" ] || printf 'lab: hint: %s\n' "$3" >&2
	exit "$1"
}

# until_true SECONDS CMD...: waits for CMD to succeed; fails when it has not in time.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# need_root ARGUMENTS-OF-LAB...: goes on as root by sudo when that asks nothing.
need_root() {
	[ "$(id -u)" = 0 ] && return
	local keep=() v
	for v in "${!LAB_@}"; do [ "$v" = LAB_DIR ] || keep+=("$v=${!v}"); done
	keep+=("LAB_HOSTS=$HOSTS" "SCRIPTS=$SCRIPTS")
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		exec sudo -n env "${keep[@]}" "$LAB_DIR/lab" "$@"
	fi
	die "$EX_USAGE" "namespaces need root" "type: sudo $LAB_DIR/lab $*"
}
