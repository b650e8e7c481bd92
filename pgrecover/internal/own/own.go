// Package own keeps the files in a data directory that are a node's own and not part of the database: configuration,
// certificates, scripts, logs, how it was started. pg_rewind replaces them by the primary's, and a base backup brings the primary's.
package own

import (
	"context"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// each begins a loop over what is at the top of the present directory and is a node's own: all that PostgreSQL does not make
// itself, nor is left of a file that we were writing. $f is its name, and log or pg_log that of its logs. The loop ends with done.
const each = `for f in * .[!.]*; do ` +
	`case $f in PG_VERSION|base|global|postmaster.pid|current_logfiles|backup_label*|backup_manifest|tablespace_map*|standby.signal|recovery.*|.s.PGSQL.*|*.pgcrew|lost+found) continue;; ` +
	`pg_log) ;; pg_*) [ -f "$f" ] || continue;; esac; [ -e "$f" ] || [ -L "$f" ] || continue; `

// copyScript copies it from $1 to $2, without logs, and prints the names.
const copyScript = `set -e; cd -- "$1" 2>/dev/null || exit 0; ` + each +
	`case $f in log|pg_log|*.log) continue;; esac; rm -rf -- "$2/$f"; cp -a -- "$f" "$2/"; printf '%s\n' "$f"; done`

// Copy copies the node's own files from a data directory into another one, in place of what is there, and returns their names. No
// data directory has none. Logs stay: they may be large, and their server may be writing them.
func Copy(ctx context.Context, h host.Host, data, to string) (names []string, err error) {
	out, err := host.Output(ctx, h, host.Shell(copyScript, data, to)...)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// saveScript saves it from $1 in $2, which is there whole or not at all. Logs are moved, as they are large and nobody reads
// them meanwhile. A sync of the whole file system, which a folder takes, waits for what the primary may be writing there.
const saveScript = `set -e; umask 077; d=$1; w=$2; all=; [ ! -e "$w" ] || exit 0; mkdir -p -- "$w.new"; cd -- "$d"; set --; ` + each +
	`case $f in log|pg_log) mv -- "$f" "$w.new/";; *) cp -a -- "$f" "$w.new/"; ` +
	`if [ -L "$f" ]; then :; elif [ -f "$f" ]; then set -- "$@" "$w.new/$f"; else all=-f; fi;; esac; done; ` +
	`sync $all -- "$w.new" "$@"; mv -- "$w.new" "$w"`

// Save copies the node's own files from a data directory into a new one, on the same file system. When that is there
// already it has them from an earlier try, and they stay.
func Save(ctx context.Context, h host.Host, data, to string) error {
	return h.Run(ctx, host.Cmd{Args: host.Shell(saveScript, data, to)})
}

// restoreScript moves what is in $1 to the top of $2, in place of what is there.
const restoreScript = `set -e; [ -e "$1" ] || exit 0; cd -- "$1"; ` +
	`for f in * .[!.]*; do if [ -e "$f" ] || [ -L "$f" ]; then rm -rf -- "$2/$f"; mv -- "$f" "$2/"; fi; done; sync -- "$2"; cd /; rmdir -- "$1"`

// Restore moves the files that Save has saved into a data directory. It may be called again when it
// was interrupted, and does nothing when there is nothing to restore.
func Restore(ctx context.Context, h host.Host, from, data string) error {
	return h.Run(ctx, host.Cmd{Args: host.Shell(restoreScript, from, data)})
}
