package own

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// tree returns the files below a directory with what is in them.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if d.Type() == os.ModeSymlink {
			files[name], err = os.Readlink(path)
			return err
		}
		text, err := os.ReadFile(path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSaveAndRestore(t *testing.T) {
	base := open(t)
	data, saved := filepath.Join(base, "data"), filepath.Join(base, "data.rewinding", "own")
	mine := map[string]string{"postgresql.conf": "port = 1", "pg_hba.conf": "a", "conf.d/a b.conf": "b", ".hidden": "c", "log/today": "d", "recovery_1st_stage": "e", "postmaster.opts": "z"}
	database := map[string]string{"PG_VERSION": "15", "base/1/1": "x", "pg_wal/1": "y", "standby.signal": "", "backup_label.old": "o"}
	write(t, data, mine)
	write(t, data, database)
	if err := os.Symlink("/nowhere/server.key", filepath.Join(data, "server.key")); err != nil {
		t.Fatal(err)
	}
	mine["server.key"] = "/nowhere/server.key"
	give(t, base)
	h, err := host.Local(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := Save(t.Context(), h, data, saved); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, saved); !maps.Equal(got, mine) {
		t.Errorf("saved are %v", got)
	}

	write(t, data, map[string]string{"postgresql.conf": "port = 2", "conf.d/other": "of the primary", "base/1/1": "new"})
	give(t, base)
	if err := Save(t.Context(), h, data, saved); err != nil { // after an interruption
		t.Fatal(err)
	}
	if err := Restore(t.Context(), h, saved, data); err != nil {
		t.Fatal(err)
	}
	database["base/1/1"] = "new"
	maps.Copy(mine, database)
	if got := tree(t, data); !maps.Equal(got, mine) {
		t.Errorf("restored are %v", got)
	}
	if _, err := os.Stat(saved); !os.IsNotExist(err) {
		t.Errorf("the copies are there still: %v", err)
	}
	if err := Restore(t.Context(), h, saved, data); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// A copy gets the node's own files and keeps its own of the database.
func TestCopy(t *testing.T) {
	base := open(t)
	data, to := filepath.Join(base, "data"), filepath.Join(base, "data.new")
	write(t, data, map[string]string{"postgresql.conf": "port = 1", "pg_hba.conf": "a", "ssl/server.key": "k", "recovery_1st_stage": "e", "log/today": "l", "start.log": "l",
		"PG_VERSION": "14", "base/1": "old", "backup_label": "old", ".s.PGSQL.5432.lock": "1", "pg_wal/1": "old", "postgresql.conf.pgcrew": "half"})
	write(t, to, map[string]string{"postgresql.conf": "port = 2", "PG_VERSION": "15", "base/1": "new", "backup_label": "new", "ssl/of the primary": ""})
	give(t, base)
	h, err := host.Local(data)
	if err != nil {
		t.Fatal(err)
	}
	names, err := Copy(t.Context(), h, data, to)
	if want := []string{"pg_hba.conf", "postgresql.conf", "recovery_1st_stage", "ssl"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("copied are %v, %v", names, err)
	}
	want := map[string]string{"postgresql.conf": "port = 1", "pg_hba.conf": "a", "ssl/server.key": "k", "recovery_1st_stage": "e", "PG_VERSION": "15", "base/1": "new", "backup_label": "new"}
	if got := tree(t, to); !maps.Equal(got, want) {
		t.Errorf("the copy has %v", got)
	}
	if names, err := Copy(t.Context(), h, filepath.Join(base, "nothing"), to); err != nil || len(names) > 0 {
		t.Errorf("from nowhere: %v, %v", names, err)
	}
}

// give makes all files those of a user who may run PostgreSQL, when we are root.
func give(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const anybody = 65534
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, anybody, anybody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open makes a directory that every user can reach.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "own")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
