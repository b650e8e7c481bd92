package plan

import (
	"context"
	"path"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// Work is the directory beside a data directory in which a rewind keeps what it needs. Its file inode has the number of the
// directory that is meant: what replaces that is another one.
func Work(srv host.Server) string { return path.Clean(srv.Data) + ".rewinding" }

// Note is the file that is there while pg_rewind may be writing, and after it was broken off.
func Note(srv host.Server) string { return path.Join(Work(srv), "writing") }

// noteScript prints the numbers of the directory $2 as it is, and as it was when pg_rewind began, if the note $1 is there.
const noteScript = `if [ -e "$1" ]; then stat -L -c %i -- "$2"; cat "$(dirname "$1")/inode"; fi`

// brokenOff says, in words, that a pg_rewind of the directory did not come to its end; "" when there was none. What that
// leaves looks like a server and is none.
func brokenOff(ctx context.Context, srv host.Server) (string, error) {
	out, err := host.Ask(ctx, srv.Host, host.Shell(noteScript, Note(srv), srv.Data)...)
	if now, then, _ := strings.Cut(out, "\n"); err != nil || out == "" || now != then {
		return "", err
	}
	return "an earlier pg_rewind of it was broken off, which nothing but a new copy mends", nil
}
