package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/problem"
	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// files is the configuration with all that it names, read at one time.
type files struct {
	config    *config.Config
	key       *passwd.Key
	hba       *hba.File
	passwords *passwd.File
	tls       *tls.Config
	backend   *tls.Config
	settings  *proxy.Settings
	warnings  []string
}

// config reads the configuration file and applies PGROUTER_* variables.
func (d *deps) config() (*config.Config, error) {
	path := d.cli.Config
	if path == "" {
		path = config.Find()
	}
	c, err := config.Load(path)
	if err != nil {
		return nil, usageError{err}
	}
	if err := c.Environment("PGROUTER", d.environ); err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// read reads everything. The error joins all problems of all files, so that they can be mended at once.
func (d *deps) read() (*files, error) {
	c, err := d.config()
	if err != nil {
		return nil, err
	}
	f := &files{config: c}
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	f.warn(c.Warnings())
	note(f.readPasswords(c))
	if c.Bool("enable_pool_hba") {
		f.hba, err = hba.Load(c.Beside("pool_hba.conf"))
		note(err)
		if f.hba != nil {
			f.warn(f.hba.Warnings())
		}
	}
	f.tls, f.backend, err = auth.TLSConfig(c, func(w string) { f.warnings = append(f.warnings, w) })
	note(err)
	if len(c.Backends()) == 0 {
		note(fmt.Errorf("%s: no server is configured (set backend_hostname0 and backend_port0)", c.Path()))
	}
	if len(errs) == 0 {
		f.settings, err = proxy.NewSettings(c, proxy.Files{HBA: f.hba, Passwords: f.passwords, ClientTLS: f.tls, ServerTLS: f.backend})
		note(err)
	}
	if len(errs) > 0 {
		return nil, usageError{errors.Join(errs...)}
	}
	return f, nil
}

func (f *files) warn(problems []problem.Problem) {
	for _, p := range problems {
		f.warnings = append(f.warnings, p.String())
	}
}

// readPasswords reads pool_passwd and the key of its AES entries. A pool_passwd that is not there is an empty one.
func (f *files) readPasswords(c *config.Config) error {
	key, problems, err := passwd.FindKey("")
	f.warn(problems)
	if err != nil {
		f.warnings = append(f.warnings, err.Error())
	}
	f.key = key
	name := c.String("pool_passwd")
	if name == "" {
		return nil
	}
	path := c.Beside(name)
	f.passwords, err = passwd.Load(path, key)
	if errors.Is(err, os.ErrNotExist) {
		f.warnings = append(f.warnings, fmt.Sprintf("%s does not exist: no passwords are known", path))
		return nil
	}
	f.warn(f.passwords.Warnings())
	return err
}
