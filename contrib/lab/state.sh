# One folder holds all that the lab makes. It is a tmpfs of its own: one umount removes everything,
# after a crash or reboot of the machine nothing stale is left, and it works where the root is an overlay.
# shellcheck shell=bash

# state_lock: one `lab up` or `lab down` at a time. The lock is on the parent folder, so no file stays behind.
state_lock() {
	exec 9<"$(dirname -- "$STATE")" || exit "$EX_USAGE"
	flock -w 120 9 || die "$EX_TEMPORARY" "another lab command has been at work for two minutes"
}

state_up() {
	local other
	other=$(grep -hzs '^pgcrew-lab:/' /proc/[0-9]*/cmdline | tr '\0' '\n' | grep -vF "pgcrew-lab:$STATE:" | sort -u) || :
	[ -z "$other" ] || die "$EX_USAGE" "a lab with another LAB_STATE is up, and there is one address range: ${other//$'\n'/, }" \
		"end it first, with its LAB_STATE and lab down"
	if ! mountpoint -q "$STATE"; then
		mkdir -p "$STATE"
		[ -z "$(ls -A "$STATE")" ] || die "$EX_USAGE" "$STATE is in use and not the lab's" "empty it, or set LAB_STATE"
		mount -t tmpfs -o mode=755 pgcrew-lab "$STATE"
	fi
	if [ ! -e "$STATE/bin" ]; then
		lab_version >"$STATE/version"
		echo "$HOSTS" >"$STATE/hostlist"
		mkdir -p "$STATE/hosts" "$BIN"
		ln -s "$BIN" "$STATE/bin"
	elif [ "$(readlink "$STATE/bin")" != "$BIN" ]; then
		die "$EX_USAGE" "the lab of another checkout is up, it runs $(readlink "$STATE/bin")" "end it first: $LAB_DIR/lab down"
	fi
}

state_down() {
	# Lazily when a shell still stands in it: the name is free at once, the memory when that shell leaves.
	if mountpoint -q "$STATE"; then umount "$STATE" 2>/dev/null || umount -l "$STATE"; fi
	if [ -d "$STATE" ]; then rmdir "$STATE"; fi
}
