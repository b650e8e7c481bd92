// Package own saves the files in a data directory that are a node's own and not part of the database: configuration,
// certificates, scripts, logs, how it was started. pg_rewind replaces them by the primary's, and a base backup brings the primary's.
package own

import (
	"context"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// saveScript saves what is at the top of $1 in $2, which is there whole or not at all: all that PostgreSQL does not make
// itself. Logs are moved, as they are large and nobody reads them meanwhile.
const saveScript = `set -e; umask 077; [ ! -e "$2" ] || exit 0; mkdir -p -- "$2.new"; cd -- "$1"; ` +
	`for f in * .[!.]*; do case $f in pg_hba.conf|pg_ident.conf) ;; log|pg_log) mv -- "$f" "$2.new/"; continue;; ` +
	`PG_VERSION|base|global|pg_*|postmaster.pid|current_logfiles|backup_*|tablespace_map*|standby.signal|recovery.*|lost+found) continue;; esac; ` +
	`if [ -e "$f" ] || [ -L "$f" ]; then cp -a -- "$f" "$2.new/"; fi; done; sync -f "$2.new"; mv -- "$2.new" "$2"`

// Save copies the node's own files from a data directory into a new one, on the same file system. When that is there
// already it has them from an earlier try, and they stay.
func Save(ctx context.Context, h host.Host, data, to string) error {
	return h.Run(ctx, host.Cmd{Args: []string{"/bin/sh", "-c", saveScript, "sh", data, to}})
}

// restoreScript moves what is in $1 to the top of $2, in place of what is there.
const restoreScript = `set -e; [ -e "$1" ] || exit 0; cd -- "$1"; ` +
	`for f in * .[!.]*; do if [ -e "$f" ] || [ -L "$f" ]; then rm -rf -- "$2/$f"; mv -- "$f" "$2/"; fi; done; sync -f "$2"; cd /; rmdir -- "$1"`

// Restore moves the files that Save has saved into a data directory. It may be called again when it
// was interrupted, and does nothing when there is nothing to restore.
func Restore(ctx context.Context, h host.Host, from, data string) error {
	return h.Run(ctx, host.Cmd{Args: []string{"/bin/sh", "-c", restoreScript, "sh", from, data}})
}
