package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pcpd/internal/door"
)

// read reads the configuration, and pcp.conf to see whether it can be read. The error joins all problems of both, so that they
// can be mended at once; warnings are there in any case.
func read(t *tool.Tool) (c *config.Config, warnings []string, err error) {
	c, err = t.Load()
	if c == nil {
		return nil, nil, tool.UsageError{Err: err}
	}
	for _, p := range c.Warnings() {
		warnings = append(warnings, p.String())
	}
	path := users(c)
	if !c.Unsure("pcp_conf") {
		_, wrong := door.Load(path)
		if errors.Is(wrong, os.ErrPermission) || errors.Is(wrong, os.ErrNotExist) {
			wrong = fmt.Errorf("%w (it holds a line user:md5 for each who may use PCP; pcp_conf names another file)", wrong)
		}
		err = errors.Join(err, wrong)
	}
	if info, wrong := os.Stat(path); wrong == nil && info.Mode().Perm()&0o004 != 0 {
		warnings = append(warnings, fmt.Sprintf("%s can be read by everybody on this host: what it holds is as good as the passwords (chmod o-r)", path))
	}
	if err != nil {
		return nil, warnings, tool.UsageError{Err: err}
	}
	return c, warnings, nil
}

// users is where pcp.conf is.
func users(c *config.Config) string { return c.Beside(c.String("pcp_conf")) }
