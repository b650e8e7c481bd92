package postmaster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A Setting is a line of postgresql.auto.conf.
type Setting struct{ Name, Value string }

// Alter does for a server that does not run what ALTER SYSTEM does.
func (s *Server) Alter(settings ...Setting) error {
	const auto = "postgresql.auto.conf"
	text, err := os.ReadFile(filepath.Join(s.dir, auto))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return s.Write(auto, AutoConf(string(text), settings))
}

// AutoConf takes the settings out of the text of a postgresql.auto.conf and puts them at its end, where they win over what it
// includes.
func AutoConf(text string, settings []Setting) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), "=")
		name = strings.ToLower(strings.TrimSpace(name))
		name, _, _ = strings.Cut(name, " ") // the = may be left out
		if !slices.ContainsFunc(settings, func(s Setting) bool { return s.Name == name }) {
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	for _, s := range settings {
		b.WriteString(s.String() + "\n")
	}
	return b.String()
}

// String is how a configuration file has it.
func (s Setting) String() string {
	return fmt.Sprintf("%s = '%s'", s.Name, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s.Value))
}

// Write writes a file of the data directory as its owner's, whole or not at all.
func (s *Server) Write(name, text string) error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.dir, name+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	owner := info.Sys().(*syscall.Stat_t)
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Chown(int(owner.Uid), int(owner.Gid)), file.Sync()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(s.dir, name)); err != nil {
		return err
	}
	return dir.Sync()
}
