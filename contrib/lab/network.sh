# A switch in a network namespace of its own, where no firewall rule of the machine (Docker's, say) applies to it.
# Each host has one cable to it, called eth0 inside; the machine has one, called pgcrew-lab.
# shellcheck shell=bash

UPLINK=pgcrew-lab

on_switch() { nsenter "--net=$STATE/switch" "$@"; }

# check_network: the lab must not take an address range that this machine reaches in another way.
check_network() {
	local taken
	taken=$(ip -4 -o route show root "$NETWORK" | grep -v " dev $UPLINK " || :)
	[ -z "$taken" ] || die "$EX_USAGE" "$NETWORK is in use on this machine: $taken" "the lab has no other range"
}

network_up() {
	if ! on_switch true 2>/dev/null; then
		: >"$STATE/switch"
		unshare "--net=$STATE/switch" ip link add bridge0 type bridge
	fi
	on_switch ip link set bridge0 up
	if ! ip link show "$UPLINK" &>/dev/null || ! on_switch ip link show machine &>/dev/null; then
		ip link del "$UPLINK" 2>/dev/null || :
		ip link add "$UPLINK" type veth peer name machine netns "$STATE/switch"
	fi
	on_switch ip link set machine master bridge0 up
	ip addr replace "$MACHINE/$PREFIX" dev "$UPLINK"
	ip link set "$UPLINK" up
}

# plug HOST PID: gives the host, whose init is PID, its cable.
plug() {
	local host=$1 pid=$2
	if ! on_switch ip link show "$host" &>/dev/null; then
		on_switch ip link add "$host" type veth peer name eth0 address "$(mac "$host")" netns "$pid"
	fi
	on_switch ip link set "$host" master bridge0 up
	nsenter -t "$pid" --net ip addr replace "${ADDRESS[$host]}/$PREFIX" dev eth0
	nsenter -t "$pid" --net ip link set eth0 up
	nsenter -t "$pid" --net ip link set lo up
}

# mac HOST: a host comes back from a power cut with the network card it had. With another one its neighbours
# would keep sending to the old one for half a minute.
mac() {
	local octets
	IFS=. read -r -a octets <<<"${ADDRESS[$1]}"
	printf '02:00:%02x:%02x:%02x:%02x\n' "${octets[@]}"
}

# unplug HOST: the cable is cut; what the host sends from now on, farewells of closed sockets too, reaches nobody.
unplug() {
	on_switch ip link del "$1" 2>/dev/null || :
}

network_down() {
	ip link del "$UPLINK" 2>/dev/null || :
	if mountpoint -q "$STATE/switch"; then umount "$STATE/switch"; fi
}
