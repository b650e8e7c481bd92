package standby

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// recoveryConfGone is the first version of PostgreSQL, as server_version_num, whose standbys are configured by settings.
const recoveryConfGone = 120000

// Write makes a server that does not run one that will start as a standby with these settings.
func Write(ctx context.Context, h host.Host, dataDirectory string, version int, s Settings) error {
	if version < recoveryConfGone {
		return host.WriteFile(ctx, h, path.Join(dataDirectory, "recovery.conf"), []byte(s.recoveryConf()), 0o600)
	}
	auto := path.Join(dataDirectory, "postgresql.auto.conf")
	text, err := host.ReadFile(ctx, h, auto)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := host.WriteFile(ctx, h, auto, []byte(s.AutoConf(string(text))), 0o600); err != nil {
		return err
	}
	return host.WriteFile(ctx, h, path.Join(dataDirectory, "standby.signal"), nil, 0o600)
}
