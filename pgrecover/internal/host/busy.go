package host

import "context"

// busyScript prints the processes that have a path among their words, but not servers of PostgreSQL, nor what pgrecover runs.
const busyScript = `: pgrecover; for p in /proc/[0-9]*; do c=$(tr '\0' ' ' <"$p/cmdline"); ` +
	`case $c in *pgrecover*|postgres:*|*/postgres\ *) ;; *"$1"[\ /]*) printf '%s\n' "$c" ;; esac; done 2>/dev/null; :`

// Busy tells which programs of others seem to work on a data directory, such as what a script runs there by ssh; "" is none.
func Busy(ctx context.Context, h Host, dataDirectory string) (string, error) {
	return Ask(ctx, h, Shell(busyScript, dataDirectory)...)
}
