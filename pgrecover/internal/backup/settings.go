package backup

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// keepScript copies what the node has of its own from its old data directory $1 to the new copy $2: its settings, its
// certificates, its scripts, and how it was started. That is each file there which PostgreSQL does not keep itself, and the
// folders of include_dir.
const keepScript = `set -e; cd "$1" 2>/dev/null || exit 0; for f in * .[!.]*; do case $f in ` +
	`PG_VERSION|postmaster.pid|standby.signal|recovery.signal|recovery.conf|recovery.done|backup_label*|tablespace_map*|backup_manifest|current_logfiles|*.pgcrew|*.log) continue;; esac; ` +
	`if [ -f "$f" ] || { [ -d "$f" ] && [ "${f%.d}" != "$f" ]; }; then rm -rf -- "$2/$f"; cp -a -- "$f" "$2/$f"; echo "$f"; fi; done`

// settings makes the copy this node's own.
func (b *Backup) settings(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "settings", Node: &b.Node.ID}, func(st *step.Step) error {
		kept, err := host.Output(ctx, b.Host, "/bin/sh", "-c", keepScript, "sh", b.Data, b.Data+newSuffix)
		if err != nil {
			return err
		}
		st.Detail = map[string]any{"kept": strings.Fields(kept)}
		if err := standby.Write(ctx, b.Host, b.Data+newSuffix, b.source.version, b.want); err != nil {
			return err
		}
		if err := b.port(ctx); err != nil {
			return err
		}
		// The renames must not reach the disk before what they are about.
		return b.Host.Run(ctx, host.Cmd{Args: []string{"sync", "-f", b.Data + newSuffix}})
	})
}

// port gives a copy the node's port, when that is set in the data directory, where the primary's came along.
func (b *Backup) port(ctx context.Context) error {
	there, err := host.Exists(ctx, b.Host, b.file("postgresql.conf"))
	if err != nil || !there {
		return err
	}
	fresh := host.Server{Host: b.Host, Data: b.Data + newSuffix, Bin: b.Server.Bin}
	is, err := fresh.Setting(ctx, "port")
	if err != nil {
		return err
	}
	if is == fmt.Sprint(b.Node.Port) {
		return nil
	}
	auto := b.file("postgresql.auto.conf")
	text, err := host.ReadFile(ctx, b.Host, auto)
	if err != nil {
		return err
	}
	return host.WriteFile(ctx, b.Host, auto, fmt.Appendf(text, "port = %d\n", b.Node.Port), 0o600)
}
