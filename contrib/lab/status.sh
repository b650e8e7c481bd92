# shellcheck shell=bash

# status: what answers now, not what was started.
status() {
	local h tool words
	printf '%-8s %-15s %-5s %-10s %s\n' HOST ADDRESS POWER POSTGRES CREW
	for h in $HOSTS; do
		if ! host_pid "$h" >/dev/null; then
			printf '%-8s %-15s %-5s %-10s %s\n' "$h" "${ADDRESS[$h]}" off - -
			continue
		fi
		words=
		for tool in $CREW; do
			[[ " $(crew_hosts "$tool") " == *$h* ]] || continue
			if crew_pid "$h" "$tool" >/dev/null; then words+="$tool "; else words+="($tool) "; fi
		done
		printf '%-8s %-15s %-5s %-10s %s\n' "$h" "${ADDRESS[$h]}" on "$(is_database "$h" && role_of "$h" || echo -)" "${words:--}"
	done
}
