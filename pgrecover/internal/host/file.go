package host

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// missing is the status of our scripts for a file that is not there.
const missing = 90

// gone turns that status into fs.ErrNotExist.
func gone(op, path string, err error) error {
	if Status(err) == missing {
		return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
	}
	return err
}

// ReadFile reads a file. The error is fs.ErrNotExist when there is none.
func ReadFile(ctx context.Context, h Host, path string) ([]byte, error) {
	var out bytes.Buffer
	err := h.Run(ctx, Cmd{Args: Shell(`[ -e "$1" ] || exit 90; exec cat -- "$1"`, path), Stdin: strings.NewReader(""), Stdout: &out})
	if err != nil {
		return nil, gone("read", path, err)
	}
	return out.Bytes(), nil
}

// WriteFile writes a file whole or not at all, and returns when the disk has it. A connection that is cut off while it
// sends must not leave half a file, so the bytes are counted.
func WriteFile(ctx context.Context, h Host, path string, data []byte, mode fs.FileMode) error {
	const script = `set -e; umask 077; t=$1.pgcrew; cat >"$t"; [ "$(wc -c <"$t")" -eq "$3" ]; chmod "$2" "$t"; sync "$t"; mv -f -- "$t" "$1"; sync "$(dirname "$1")"`
	return h.Run(ctx, Cmd{Args: Shell(script, path, fmt.Sprintf("%04o", mode.Perm()), strconv.Itoa(len(data))), Stdin: bytes.NewReader(data)})
}

// Exists tells whether something is there, be it a link that leads nowhere.
func Exists(ctx context.Context, h Host, path string) (bool, error) {
	_, err := Ask(ctx, h, Shell(`[ -e "$1" ] || [ -L "$1" ] || exit 90`, path)...)
	if Status(err) == missing {
		return false, nil
	}
	return err == nil, err
}

// IsEmpty tells whether a directory is not there or has nothing in it but lost+found.
func IsEmpty(ctx context.Context, h Host, path string) (bool, error) {
	out, err := Ask(ctx, h, Shell(`[ -e "$1" ] || exit 0; exec ls -A -- "$1/"`, path)...)
	return err == nil && (out == "" || out == "lost+found"), err
}

// Rename gives a file or directory another name on the same file system. There must be nothing of that name yet.
func Rename(ctx context.Context, h Host, from, to string) error {
	const script = `set -e; if [ -e "$2" ] || [ -L "$2" ]; then echo "there is a $2" >&2; exit 1; fi; mv -- "$1" "$2"; sync "$(dirname "$1")" "$(dirname "$2")"`
	return h.Run(ctx, Cmd{Args: Shell(script, from, to)})
}

// Remove removes a file, or a directory with all that is in it. Nothing there is no error.
func Remove(ctx context.Context, h Host, path string) error {
	if strings.Count(strings.TrimRight(path, "/"), "/") < 2 || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("%s: remove %q: it is no path of ours", h.Name(), path)
	}
	return h.Run(ctx, Cmd{Args: []string{"rm", "-rf", "--", path}})
}

// MakeDirectory makes a directory and those above it. That it is there already is no error.
func MakeDirectory(ctx context.Context, h Host, path string, mode fs.FileMode) error {
	return h.Run(ctx, Cmd{Args: []string{"mkdir", "-p", "-m", fmt.Sprintf("%04o", mode.Perm()), "--", path}})
}

// RealPath follows all links of a path. The last part of it need not exist.
func RealPath(ctx context.Context, h Host, path string) (string, error) {
	return Ask(ctx, h, "readlink", "-f", "--", path)
}

// Links returns the symbolic links in a directory and where they lead. No directory is no links.
func Links(ctx context.Context, h Host, dir string) (map[string]string, error) {
	out, err := Ask(ctx, h, Shell(`[ -d "$1" ] || exit 0; cd "$1"; for f in *; do if [ -L "$f" ]; then echo "$f"; readlink -- "$f"; fi; done`, dir)...)
	if err != nil || out == "" {
		return nil, err
	}
	lines := strings.Split(out, "\n")
	if len(lines)%2 != 0 {
		return nil, fmt.Errorf("%s: a link in %s leads to a name with a line break", h.Name(), dir)
	}
	links := make(map[string]string)
	for i := 0; i < len(lines); i += 2 {
		links[lines[i]] = lines[i+1]
	}
	return links, nil
}
