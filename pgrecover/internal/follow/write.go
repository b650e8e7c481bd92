package follow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// write gives a server that does not run its settings, and makes it start as a standby.
func (f *Follow) write(ctx context.Context, srv *postmaster.Server, want standby.Settings) error {
	return f.Journal.Do(step.Step{Step: "settings", Node: &f.Node.ID}, func(st *step.Step) error {
		if f.DryRun {
			st.Skipped = true
			return nil
		}
		auto := filepath.Join(f.Node.DataDirectory, "postgresql.auto.conf")
		text, err := os.ReadFile(auto)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := f.replace(auto, want.AutoConf(string(text))); err != nil {
			return err
		}
		for _, s := range want.List() {
			is, err := srv.Setting(ctx, s.Name)
			if err != nil {
				return err
			}
			if is != s.Value {
				return fmt.Errorf("node %d: %s is set in postgresql.auto.conf, and the command line of the server overrides it: take it out there", f.Node.ID, s.Name)
			}
		}
		return f.replace(filepath.Join(f.Node.DataDirectory, "standby.signal"), "")
	})
}

// replace writes a file of the data directory's owner, whole or not at all.
func (f *Follow) replace(path, text string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(dir.Name(), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	owner := info.Sys().(*syscall.Stat_t)
	_, err = file.WriteString(text)
	return errors.Join(err,
		file.Chown(int(owner.Uid), int(owner.Gid)),
		file.Sync(),
		os.Rename(file.Name(), path),
		dir.Sync())
}
