package host

import "context"

// waitsScript prints the title of the startup process of the server of $1, when that waits for WAL.
const waitsScript = `cd /proc || exit 1; [ -d "$1" ] || exit 0; ` +
	`for p in [0-9]*; do if [ "$p/cwd" -ef "$1" ] 2>/dev/null; then c=$(tr '\0' ' ' <"$p/cmdline" 2>/dev/null); ` +
	`case $c in "postgres: "*startup*" waiting for "*) c=${c##* waiting for }; echo "${c%% *}";; esac; fi; done 2>/dev/null; true`

// WaitsFor returns the name of the WAL segment that a standby has not found and waits for, as its process title tells; "" when it
// has WAL to replay, or update_process_title is off.
func (s Server) WaitsFor(ctx context.Context) (segment string, err error) {
	return Ask(ctx, s.Host, Shell(waitsScript, s.Data)...)
}
