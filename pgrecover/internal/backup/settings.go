package backup

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/own"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// settings makes the copy this node's own.
func (b *Backup) settings(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "settings", Node: &b.Node.ID}, func(st *step.Step) error {
		kept, err := own.Copy(ctx, b.Host, b.Data, b.Data+newSuffix)
		if err != nil {
			return err
		}
		st.Detail = map[string]any{"kept": kept}
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
