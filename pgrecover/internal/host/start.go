package host

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// startScript runs "$@", which starts the server of $1, and ends as soon as postmaster.pid says that clients are let in:
// pg_ctlcluster goes on to look, for two seconds, whether that lasts. What a server says that cannot start is in the file $2 only,
// if there is one; else it is what the command said. The shell reads the file by itself: twenty times a second, another program
// would take time from the server. $who is its process number and the time of its start, $up how it is.
const startScript = `d=$1; log=$2; shift 2; t=$(mktemp -d) || exit; ` +
	`look() { who=; up=; n=0; while IFS= read -r l; do n=$((n+1)); case $n in 1|3) who="$who $l";; 8) up=$l;; esac; done <"$d/postmaster.pid"; }; look 2>/dev/null; was=$who; ` +
	`{ "$@" </dev/null >"$t/said" 2>&1; echo $? >"$t/status"; } >/dev/null 2>&1 & ` +
	`while [ ! -s "$t/status" ]; do look 2>/dev/null; ` +
	`case $up in ready*|standby*) if [ "$who" != "$was" ]; then rm -rf "$t"; exit 0; fi;; esac; ` +
	`sleep 0.05; done; read -r s <"$t/status"; if [ "$s" != 0 ]; then tail -n 8 "${log:-$t/said}" >&2; fi; rm -rf "$t"; exit "$s"`

// debianStart starts Debian's cluster $1-$2, with $3 seconds for pg_ctl. Where a rule of polkit lets this user start the unit of
// the cluster that is done: the server is then the unit's, as after a boot, and not a part of the service or session that we
// run in. A systemctl that does nothing, as in a chroot, may say that all is well.
const debianStart = `systemctl --no-ask-password --quiet start "postgresql@$1-$2.service" >/dev/null 2>&1 && ` +
	`pg_ctlcluster "$1" "$2" status >/dev/null 2>&1 || exec pg_ctlcluster "$1" "$2" start -- -t "$3"`

// Start starts a server that does not run, and returns when it lets clients in. On Debian its unit or pg_ctlcluster does it,
// elsewhere pg_ctl with the arguments that postmaster.opts has. The error quotes what the server said.
func (s Server) Start(ctx context.Context) error {
	log, command, err := s.starter(ctx)
	if err != nil {
		return err
	}
	return s.Host.Run(ctx, Cmd{Args: Shell(startScript, append([]string{s.Data, log}, command...)...)})
}

// starter is the command that starts the server, and the file that gets what the server says then; "" when the command tells.
func (s Server) starter(ctx context.Context) (log string, command []string, err error) {
	version, name, err := s.debian(ctx)
	if err != nil {
		return "", nil, err
	}
	if name != "" {
		return "", Shell(debianStart, version, name, patience(ctx)), nil
	}
	log = path.Join(s.Data, "pgcrew-start.log")
	command = []string{path.Join(s.Bin, "pg_ctl"), "-s", "-w", "-t", patience(ctx), "-D", s.Data, "-l", log}
	words, err := Options(ctx, s.Host, s.Data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	if len(words) > 1 {
		command = append(command, "-o", line(words[1:]))
	}
	return log, append(command, "start"), nil
}

// debianScript prints for each cluster of Debian's its file postgresql.conf and its line with the data directory.
const debianScript = `for f in /etc/postgresql/*/*/postgresql.conf; do [ -e "$f" ] && grep -H "^[[:space:]]*data_directory[[:space:]]*=" "$f"; done; true`

// debian returns version and name of the cluster that has this data directory in /etc/postgresql; "" when there is none.
func (s Server) debian(ctx context.Context) (version, name string, err error) {
	out, err := Ask(ctx, s.Host, Shell(debianScript)...)
	if err != nil {
		return "", "", err
	}
	for l := range strings.Lines(out) {
		file, setting, _ := strings.Cut(l, ":")
		_, value, _ := strings.Cut(setting, "'")
		value, _, ok := strings.Cut(value, "'")
		if ok && path.Clean(value) == path.Clean(s.Data) {
			cluster := path.Dir(file)
			return path.Base(path.Dir(cluster)), path.Base(cluster), nil
		}
	}
	return "", "", nil
}
