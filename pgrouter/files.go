package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/certs"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/common/problem"
	"github.com/pgcrew/pgcrew/common/tool"
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
	group     int // of the Unix sockets; -1: the user's own
	warnings  []string
}

// read reads everything. The error joins all problems of all files, so that they can be mended at once. The files are
// complete only without an error; their warnings are there in any case.
func read(t *tool.Tool) (*files, error) {
	f := &files{}
	c, err := t.Load()
	if c == nil {
		return f, tool.UsageError{Err: err}
	}
	f.config = c
	f.warn(c.Warnings())
	err = errors.Join(err, f.readServers(), f.readGroup(), f.readPasswords(), f.readHBA(), f.readTLS(), f.readSettings())
	f.readSecrets()
	if err != nil {
		return f, tool.UsageError{Err: err}
	}
	return f, nil
}

func (f *files) warn(problems []problem.Problem) {
	for _, p := range problems {
		f.warnings = append(f.warnings, p.String())
	}
}

// readServers looks whether there are any.
func (f *files) readServers() error {
	if len(f.config.Backends()) > 0 || f.config.Unsure("backend_") {
		return nil
	}
	return fmt.Errorf("%s: no server is configured (set backend_hostname0 and backend_port0)", f.config.Path())
}

func (f *files) readGroup() (err error) {
	f.group, err = socketGroup(f.config)
	return err
}

// readPasswords reads pool_passwd and the key of its AES entries. A pool_passwd that is not there is an empty one.
func (f *files) readPasswords() error {
	key, problems, err := passwd.FindKey("")
	f.warn(problems)
	if err != nil {
		f.warnings = append(f.warnings, err.Error())
	}
	f.key = key
	name := f.config.String("pool_passwd")
	if name == "" || f.config.Unsure("pool_passwd") {
		return nil
	}
	path := f.config.Beside(name)
	f.passwords, err = passwd.Load(path, key)
	if errors.Is(err, os.ErrNotExist) {
		f.warnings = append(f.warnings, fmt.Sprintf("%s does not exist: no passwords are known", path))
		return nil
	}
	f.warn(f.passwords.Warnings())
	return err
}

// readSecrets looks whether the passwords in the configuration that are encrypted can be decrypted.
func (f *files) readSecrets() {
	look := func(name, text string) {
		if !strings.HasPrefix(text, "AES") || probe.Password("", text, nil, f.key) != "" {
			return
		}
		w := f.config.Problem(name, "the password is encrypted and does not decrypt with the key: it is not used",
			"the key is in ~/.pgpoolkey, or where PGPOOLKEYFILE says").String()
		if !slices.Contains(f.warnings, w) { // one line may be for several servers
			f.warnings = append(f.warnings, w)
		}
	}
	look("sr_check_password", f.config.String("sr_check_password"))
	for _, b := range f.config.Backends() {
		look("health_check_password"+strconv.Itoa(b.ID), f.config.StringAt("health_check_password", b.ID))
	}
}

// readHBA reads pool_hba.conf if it counts. If the line that says so is wrong it may count.
func (f *files) readHBA() error {
	unsure := f.config.Unsure("enable_pool_hba")
	if !f.config.Bool("enable_pool_hba") && !unsure {
		return nil
	}
	h, err := hba.Load(f.config.Beside(f.config.String("pool_hba_conf")))
	switch {
	case unsure && errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	f.hba = h
	f.warn(h.Warnings())
	return nil
}

// readTLS reads certificates and keys. Parameters that were not understood are not blamed a second time.
func (f *files) readTLS() (err error) {
	if f.config.Unsure("ssl") {
		return nil
	}
	f.tls, f.backend, err = certs.Read(f.config, func(w string) { f.warnings = append(f.warnings, w) })
	return err
}

// readSettings makes of all that what the router obeys.
func (f *files) readSettings() (err error) {
	f.settings, err = proxy.NewSettings(f.config, proxy.Files{HBA: f.hba, Passwords: f.passwords, ClientTLS: f.tls, ServerTLS: f.backend})
	return err
}
