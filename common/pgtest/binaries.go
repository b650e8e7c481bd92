package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// programs is where the server's binaries are and as whom they run.
type programs struct {
	dir   string
	major int
	cred  *syscall.Credential // nil: as ourselves
}

var programsOnce = sync.OnceValues(findPrograms)

// need returns the binaries, or ends the test as the package comment says.
func need(t testing.TB) programs {
	t.Helper()
	p, err := programsOnce()
	if err == nil {
		return p
	}
	if os.Getenv("PGCREW_REQUIRE_POSTGRES") == "1" {
		t.Fatalf("PGCREW_REQUIRE_POSTGRES=1, but %v", err)
	}
	t.Skip(err)
	return p
}

// Bin returns the folder of the server's binaries (initdb, pg_ctl, pg_basebackup, pgbench...), or skips the test.
func Bin(t testing.TB) string { return need(t).dir }

// Major returns the server's major version, such as 15, or skips the test.
func Major(t testing.TB) int { return need(t).major }

func findPrograms() (programs, error) {
	var p programs
	if dir := os.Getenv("PGBIN"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err != nil {
			return p, fmt.Errorf("no PostgreSQL server in $PGBIN: %w", err)
		}
		p.dir = dir
	} else {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
		newest := -1
		for _, f := range found {
			n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(f))))
			if err == nil && n > newest {
				newest, p.dir = n, filepath.Dir(f)
			}
		}
	}
	if p.dir == "" {
		f, err := exec.LookPath("postgres")
		if err != nil {
			return p, fmt.Errorf("no PostgreSQL server below /usr/lib/postgresql or in PATH; $PGBIN may name its folder")
		}
		p.dir = filepath.Dir(f)
	}

	out, err := exec.Command(filepath.Join(p.dir, "postgres"), "--version").Output()
	if err != nil {
		return p, fmt.Errorf("run %s/postgres --version: %w", p.dir, err)
	}
	if _, err := fmt.Sscanf(string(out), "postgres (PostgreSQL) %d", &p.major); err != nil {
		return p, fmt.Errorf("read the version %q of %s/postgres: %w", out, p.dir, err)
	}

	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return p, fmt.Errorf("PostgreSQL does not run as root, and there is no other user for it: %w", err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		p.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return p, nil
}

// command prepares one of the server's programs to run as the server's user, out of reach of the terminal's signals,
// and with nothing of libpq's environment.
func (p programs) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.dir, name), args...)
	c.Dir = "/"
	c.Env = []string{"PATH=" + p.dir + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/nonexistent"}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.cred}
	return c
}

// own gives a file or folder to the server's user.
func (p programs) own(path string) error {
	if p.cred == nil {
		return nil
	}
	return os.Chown(path, int(p.cred.Uid), int(p.cred.Gid))
}
