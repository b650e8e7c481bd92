package follow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
)

// write gives a server that does not run its settings, and makes it start as a standby.
func (f *Follow) write(ctx context.Context, srv *postmaster.Server, want Settings) error {
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
		if err := f.replace(auto, autoConf(string(text), want)); err != nil {
			return err
		}
		for _, s := range want.list() {
			is, err := srv.Setting(ctx, s.name)
			if err != nil {
				return err
			}
			if is != s.value {
				return fmt.Errorf("node %d: %s is set in postgresql.auto.conf, and the command line of the server overrides it: take it out there", f.Node.ID, s.name)
			}
		}
		return f.replace(filepath.Join(f.Node.DataDirectory, "standby.signal"), "")
	})
}

// autoConf takes the settings out of a postgresql.auto.conf and puts them at its end, where they win over what it
// includes.
func autoConf(text string, want Settings) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), "=")
		name = strings.ToLower(strings.TrimSpace(name))
		name, _, _ = strings.Cut(name, " ") // the = may be left out
		ours := false
		for _, s := range want.list() {
			ours = ours || s.name == name
		}
		if !ours {
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	for _, s := range want.list() {
		fmt.Fprintf(&b, "%s = '%s'\n", s.name, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s.value))
	}
	return b.String()
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
