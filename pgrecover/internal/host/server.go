package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

// A Server is the PostgreSQL server of a data directory.
type Server struct {
	Host Host
	Data string // data directory
	Bin  string // folder of its programs
}

// Processes are what lives of a server.
type Processes struct {
	Postmaster int   // process number; 0 when there is none
	Others     []int // of a server without a postmaster: they may still write
}

// processesScript prints the process numbers of the server of $1, with an m before that of its postmaster: all are called
// postgres and work in the data directory, and a zombie works nowhere.
const processesScript = `cd /proc || exit 1; [ -d "$1" ] || exit 0; ` +
	`for p in [0-9]*; do if [ "$p/cwd" -ef "$1" ] 2>/dev/null; then read -r n <"$p/comm" || continue; ` +
	`case $n in postgres|postmaster|edb-postgres) ` +
	`case "$(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)" in "postgres: "*logger*) ;; "postgres: "*) echo "$p";; ?*) echo "m$p";; esac;; esac; fi; done 2>/dev/null; true`

// Look finds its processes. A postmaster.pid proves nothing: it outlives its server.
func (s Server) Look(ctx context.Context) (Processes, error) {
	var p Processes
	out, err := Ask(ctx, s.Host, Shell(processesScript, s.Data)...)
	if err != nil {
		return p, err
	}
	for _, w := range strings.Fields(out) {
		number, main := strings.CutPrefix(w, "m")
		n, err := strconv.Atoi(number)
		if err != nil {
			return p, fmt.Errorf("%s: %q is no process number", s.Host.Name(), w)
		}
		if main {
			p.Postmaster = n
		} else {
			p.Others = append(p.Others, n)
		}
	}
	if p.Postmaster != 0 {
		p.Others = nil
	}
	return p, nil
}

// Stop ends a server that runs, as pg_ctl's mode fast or immediate does, and waits for the end of all its processes.
func (s Server) Stop(ctx context.Context, mode string) error {
	p, err := s.Look(ctx)
	if err != nil {
		return err
	}
	if p.Postmaster != 0 {
		err := s.Host.Run(ctx, Cmd{Args: []string{path.Join(s.Bin, "pg_ctl"), "-s", "-D", s.Data, "-m", mode, "-w", "-t", patience(ctx), "stop"}})
		if err != nil {
			return err
		}
	}
	const kill = `[ -z "$*" ] || kill -QUIT "$@" 2>/dev/null; sleep 0.2`
	for {
		p, err := s.Look(ctx)
		if err != nil || p.Postmaster == 0 && len(p.Others) == 0 {
			return err
		}
		var rest []string
		for _, n := range p.Others {
			rest = append(rest, strconv.Itoa(n))
		}
		if err := s.Host.Run(ctx, Cmd{Args: Shell(kill, rest...)}); err != nil {
			return err
		}
	}
}

// settingsScript runs "$@" -C with each of the names that come before --, and writes a zero behind each answer.
const settingsScript = `n=; while [ "$1" != -- ]; do n="$n $1"; shift; done; shift; for i in $n; do "$@" -C "$i" || exit; printf '\0'; done`

// Settings asks the server's program what settings would be if it was started as it was the last time. It need not run.
func (s Server) Settings(ctx context.Context, names ...string) ([]string, error) {
	words, err := Options(ctx, s.Host, s.Data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	args := append(append([]string{}, names...), "--", path.Join(s.Bin, "postgres"))
	if len(words) > 1 {
		args = append(args, words[1:]...)
	}
	// The last of several -D is taken.
	out, err := Ask(ctx, s.Host, Shell(settingsScript, append(args, "-D", s.Data)...)...)
	if err != nil {
		return nil, err
	}
	values := strings.Split(out, "\n\x00")
	if len(values) != len(names)+1 {
		return nil, fmt.Errorf("%s: %s says %q of %s", s.Host.Name(), path.Join(s.Bin, "postgres"), out, strings.Join(names, ", "))
	}
	return values[:len(names)], nil
}

// Setting asks for one.
func (s Server) Setting(ctx context.Context, name string) (string, error) {
	values, err := s.Settings(ctx, name)
	if err != nil {
		return "", err
	}
	return values[0], nil
}

// patience is what is left of ctx in seconds. pg_ctl gives up after a minute by default, and crash recovery may take longer.
func patience(ctx context.Context) string {
	left := 24 * time.Hour
	if end, ok := ctx.Deadline(); ok {
		left = max(time.Second, time.Until(end))
	}
	return strconv.Itoa(int(left.Seconds()))
}
