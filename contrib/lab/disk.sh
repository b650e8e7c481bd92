# What is on a new host's disk: $STATE/hosts/HOST/{etc,var,root,postgresql}, each bound over the machine's folder
# of that name. /etc is a copy and /var starts empty. An overlay over the machine's folders would do as well, but it
# fails where the root is an overlay already, and is undefined while the machine changes the folder below it.
# shellcheck shell=bash

# disk_up HOST: made beside its place and moved there when complete, so that half a disk is never used.
disk_up() {
	local host=$1 d=$STATE/hosts/$1
	[ ! -d "$d" ] || return 0
	rm -rf "$d.new"
	mkdir -p "$d.new"
	disk_etc "$host" "$d.new/etc"
	disk_var "$d.new/var"
	install -d -m 700 "$d.new/root"
	# Whoever types pcp commands on the client types the password; the walk has it here.
	(umask 077 && echo "$VIP:9898:pgpool:postgres" >"$d.new/root/.pcppass")
	mkdir -p "$d.new/postgresql/$(lab_version)"
	# The tutorial's paths say 14 whatever is installed; the server finds its own files by the resolved name.
	if [ "$(lab_version)" != 14 ]; then ln -s "$(lab_version)" "$d.new/postgresql/14"; fi
	if is_database "$host"; then disk_database "$host" "$d.new"; fi
	if runs_crew "$host"; then disk_crew "$host" "$d.new"; fi
	mv "$d.new" "$d"
}

disk_etc() {
	local host=$1 etc=$2 h
	cp -a /etc "$etc"
	# The machine's own servers and identity stay the machine's.
	rm -rf "$etc"/{postgresql,pgpool2,pgbouncer,hostname,hosts} "$etc"/ssh/ssh_host_*
	echo "$host" >"$etc/hostname"
	{
		echo "127.0.0.1 localhost"
		echo "::1 localhost ip6-localhost"
		echo "$MACHINE machine.$DOMAIN machine"
		echo "$VIP vip.$DOMAIN vip"
		for h in "${!ADDRESS[@]}"; do echo "${ADDRESS[$h]} $h.$DOMAIN $h"; done
	} >"$etc/hosts"
}

disk_var() {
	mkdir -p "$1"/{cache,lib,log,mail,spool}
	install -d -m 1777 "$1/tmp"
	ln -s /run "$1/run"
	ln -s /run/lock "$1/lock"
}

# disk_database HOST DISK: sections 3 and 4 of the tutorial, as far as they are files.
disk_database() {
	local host=$1 etc=$2/etc var=$2/var home=$2/var/lib/postgresql f
	install -d -o postgres -g postgres "$home" "$home/14" "$home/archivedir" "$var/log/pgpool_log" "$etc"/postgresql{,/14,/14/main,/14/main/conf.d}
	install -d -o root -g postgres -m 1775 "$var/log/postgresql"
	for f in postgresql.conf pg_hba.conf; do put "$f" "$etc/postgresql/14/main/$f" postgres 640; done
	disk_known_settings "$etc/postgresql/14/main/postgresql.conf"
	for f in pg_ident.conf environment; do install -o postgres -g postgres /dev/null "$etc/postgresql/14/main/$f"; done
	echo auto >"$etc/postgresql/14/main/start.conf"
	# On the command line they win over postgresql.conf, which stays as the tutorial has it. Nothing here outlives the machine.
	echo "pg_ctl_options = '-o -cfsync=off -o -cshared_buffers=32MB -o -cmax_wal_size=256MB'" >"$etc/postgresql/14/main/pg_ctl.conf"

	for f in .pgpass .pcppass .pgpoolkey; do put "$f" "$home/$f" postgres 600; done
	install -d "$etc/sudoers.d"
	put sudoers.d/postgres "$etc/sudoers.d/postgres" root 440
}

# disk_crew HOST DISK: what the crew reads. A witness has the same files as the others, as one would copy them there.
disk_crew() {
	local host=$1 etc=$2/etc f
	install -d "$etc/pgpool2"
	for f in pgpool.conf pcp.conf pool_hba.conf; do put "$f" "$etc/pgpool2/$f" root 644; done
	put pool_passwd "$etc/pgpool2/pool_passwd" postgres 640
	for f in failover.sh follow_primary.sh escalation.sh; do put "$f" "$etc/pgpool2/$f" postgres 755; done
	if [ "$SCRIPTS" = no ]; then sed -i -E "s/^($COMMANDS) *=/# SCRIPTS=no: &/" "$etc/pgpool2/pgpool.conf"; fi
	node_of "$host" >"$etc/pgpool2/pgpool_node_id"
	chown postgres:postgres "$etc/pgpool2/pgpool_node_id"
	if [[ " $HOSTS " == *" witness "* ]]; then
		cat >>"$etc/pgpool2/pgpool.conf" <<-CONF

			# The third vote, which the tutorial does not have.
			hostname2 = 'witness.$DOMAIN'
			wd_port2 = 9000
			pgpool_port2 = 9999
		CONF
	fi
}

# node_of HOST: its pgpool_node_id, and for a database host the number of its server.
node_of() {
	case $1 in
	witness) echo 2 ;;
	*) echo $((${1#db} - 1)) ;;
	esac
}

# put NAME TARGET OWNER MODE: the file of that name, wherever it lies in LAB_FILES (else ours), its placeholders filled.
put() {
	local from
	from=$(find "$FILES" -path "*/$1" -type f -print -quit)
	sed -e "s/<PRIMARY DNS NAME>/db1.$DOMAIN/g" -e "s/<STANDBY DNS NAME>/db2.$DOMAIN/g" -e "s/<VIRTUAL IP>/$VIP/g" \
		"${from:-$LAB_DIR/files/$1}" >"$2"
	chown "$3:$(id -gn "$3")" "$2"
	chmod "$4" "$2"
}

# disk_known_settings FILE: comments out what this server does not know (settings of older majors) and
# locales that this machine lacks. The server itself is asked, since either would stop its start.
disk_known_settings() {
	local at
	refused "$1" | sed -n "s|.*unrecognized configuration parameter .* in file \"$1\" line ||p" | while read -r at; do
		sed -i "${at}s/^/# unknown to PostgreSQL $(lab_version): /" "$1"
	done
	refused "$1" | sed -n 's/.*invalid value for parameter "\(lc_[a-z]*\)".*/\1/p' | while read -r at; do
		sed -i "s/^ *$at *=/# not on this machine: &/" "$1"
	done
}

# refused FILE: what the server complains of in a postgresql.conf. It names values only when it knows all the names.
refused() {
	as_user postgres env LC_ALL=C "/usr/lib/postgresql/$(lab_version)/bin/postgres" -D /tmp -c "config_file=$1" -C port 2>&1 || :
}
