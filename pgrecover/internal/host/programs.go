package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgcrew/pgcrew/common/postmaster"
)

// Options reads postmaster.opts: the program and arguments with which the server of a data directory runs or ran last. The
// error is fs.ErrNotExist when it has never run.
func Options(ctx context.Context, h Host, dataDirectory string) ([]string, error) {
	text, err := ReadFile(ctx, h, path.Join(dataDirectory, "postmaster.opts"))
	if err != nil {
		return nil, err
	}
	words := postmaster.SplitOptions(string(text))
	if len(words) == 0 {
		return nil, fmt.Errorf("%s: %s/postmaster.opts is empty", h.Name(), dataDirectory)
	}
	return words, nil
}

// programsScript prints the folder with the programs of PostgreSQL $1: $2, where Debian or Red Hat has it, or what pg_config
// or PATH say when they are of that version.
const programsScript = `fits() { [ -x "$1/postgres" ] && "$1/postgres" --version 2>/dev/null | grep -q "^postgres (PostgreSQL) $2[^0-9]"; }; ` +
	`for d in "$2" "/usr/lib/postgresql/$1/bin" "/usr/pgsql-$1/bin" "$(pg_config --bindir 2>/dev/null)" "$(dirname "$(command -v postgres)" 2>/dev/null)" /usr/local/pgsql/bin; ` +
	`do if fits "$d" "$1"; then echo "$d"; exit 0; fi; done; exit 90`

// Programs returns the folder of the server's programs of a major version, such as 15: that of the server which runs or ran
// in the data directory when that is of this version, else what is installed. Alike is where another server of the cluster
// has them, or "": hosts of a cluster are installed alike, and a session over SSH has a PATH that knows no unusual place.
func Programs(ctx context.Context, h Host, dataDirectory, major, alike string) (string, error) {
	words, err := Options(ctx, h, dataDirectory)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err == nil && strings.HasPrefix(words[0], "/") {
		said, err := Ask(ctx, h, words[0], "--version")
		if err == nil && strings.HasPrefix(said+" ", "postgres (PostgreSQL) "+major) {
			return path.Dir(words[0]), nil
		}
	}
	dir, err := Ask(ctx, h, Shell(programsScript, major, alike)...)
	if Status(err) == missing {
		return "", fmt.Errorf("%s: there are no programs of PostgreSQL %s where the primary has its, in /usr/lib/postgresql/%s/bin, in /usr/pgsql-%s/bin, by pg_config or in PATH: install the server's package", h.Name(), major, major, major)
	}
	return dir, err
}

// Major returns what PG_VERSION of a data directory says, such as 15. The error is fs.ErrNotExist when it is none.
func Major(ctx context.Context, h Host, dataDirectory string) (string, error) {
	text, err := ReadFile(ctx, h, path.Join(dataDirectory, "PG_VERSION"))
	return strings.TrimSpace(string(text)), err
}
