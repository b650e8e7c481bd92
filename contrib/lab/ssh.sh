# Passwordless ssh between the database hosts for user postgres (section 3 of the tutorial).
# shellcheck shell=bash

ssh_up() {
	local h
	for h in $(databases); do
		[ -e "$STATE/hosts/$h/var/lib/postgresql/.ssh/id_rsa" ] || ssh_keys "$h" "$STATE/hosts/$h"
	done
	for h in $(databases); do
		ssh_trust "$STATE/hosts/$h"
		on "$h" pgrep -x -o sshd >/dev/null || on "$h" /usr/sbin/sshd </dev/null
	done
}

# ssh_keys HOST DISK: the host's key, the user's key and the server's settings. The machine's sshd_config, of which
# /etc is a copy, may allow nobody.
ssh_keys() {
	local dir=$2/var/lib/postgresql/.ssh
	install -d -o postgres -g postgres -m 700 "$dir"
	rm -f "$2/etc/ssh/ssh_host_ed25519_key" "$dir/id_rsa_pgpool"
	ssh-keygen -q -t ed25519 -N '' -C host -f "$2/etc/ssh/ssh_host_ed25519_key"
	cat >"$2/etc/ssh/sshd_config" <<-CONF
		HostKey /etc/ssh/ssh_host_ed25519_key
		UsePAM yes
		PasswordAuthentication yes
		AcceptEnv LANG LC_*
		Subsystem sftp internal-sftp
	CONF
	ssh-keygen -q -t rsa -b 2048 -N '' -C postgres -f "$dir/id_rsa_pgpool"
	echo postgres:postgres | on "$1" chpasswd
	cp "$dir/id_rsa_pgpool" "$dir/id_rsa"
	chown -R postgres:postgres "$dir"
}

# ssh_trust DISK: every database host's user may log in, and every host's key is known.
ssh_trust() {
	local dir=$1/var/lib/postgresql/.ssh h
	for h in $(databases); do
		cat "$STATE/hosts/$h/var/lib/postgresql/.ssh/id_rsa_pgpool.pub"
	done >"$dir/authorized_keys"
	chown postgres:postgres "$dir/authorized_keys"
	chmod 600 "$dir/authorized_keys"
	for h in $(databases); do
		echo "$h.$DOMAIN,$h,${ADDRESS[$h]} $(cut -d' ' -f1,2 "$STATE/hosts/$h/etc/ssh/ssh_host_ed25519_key.pub")"
	done >"$1/etc/ssh/ssh_known_hosts"
}
