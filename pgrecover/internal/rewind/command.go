package rewind

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/own"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// beginScript notes in $2 that pg_rewind will write in $1. What an earlier run has left for another directory of this name goes.
const beginScript = `set -e; umask 077; i=$(stat -L -c %i -- "$1"); if [ -e "$2" ] && [ "$(cat "$2/inode" 2>/dev/null)" != "$i" ]; then rm -rf -- "$2"; fi; ` +
	`mkdir -p -- "$2"; echo "$i" >"$2/inode"; sync -- "$2/inode" "$2"`

// rewindScript runs "$@", pg_rewind, which works on $1, while the note $2 says so. What it leaves is a primary, by its
// files, so standby.signal is written before the note goes. That is done here, so that it is done also
// when nobody listens any more.
//
// The server will begin at the last common checkpoint. Its own segments before the fork's, whose name without a timeline is $3,
// are linked aside and put back where they are gone then: pg_rewind of 13 and before (13.23 and 12.22 were
// seen to) removes those that the primary does not have any more. When there is no space to copy them it is tried without.
const rewindScript = `d=$1; note=$2; fork=$3; shift 3; kept=$(dirname "$note")/wal; rm -rf -- "$kept"; mkdir -- "$kept" || exit; ` +
	`for f in "$d"/pg_wal/????????????????????????; do n=${f##*/}; if [ "${n#????????}" \< "$fork" ]; then ` +
	`ln -- "$f" "$kept/" 2>/dev/null || cp -p -- "$f" "$kept/" 2>/dev/null || { rm -f -- "$kept/$n"; break; }; fi; done; ` +
	`: >"$note" && sync -- "$note" "$(dirname "$note")" || exit; "$@" 2>&1 || exit; ` +
	`for f in "$kept"/????????????????????????; do to=$d/pg_wal/${f##*/}; if [ -e "$f" ] && [ ! -e "$to" ]; then mv -- "$f" "$to" && sync -- "$to" "$d/pg_wal" || exit; fi; done; ` +
	`: >"$d/standby.signal" && sync -- "$d/standby.signal" "$d" && rm -f -- "$note"`

// rewind runs pg_rewind, and puts the node's own files back afterwards.
func (r Rewind) rewind(ctx context.Context, srv host.Server, p plan.Plan) error {
	work := plan.Work(srv)
	note, saved := plan.Note(srv), path.Join(work, "own")
	node := r.Question.Node.ID
	if err := srv.Host.Run(ctx, host.Cmd{Args: host.Shell(beginScript, srv.Data, work)}); err != nil {
		return Failed{Err: err, Node: node}
	}
	if err := own.Save(ctx, srv.Host, srv.Data, saved); err != nil {
		return Failed{Err: err, Node: node}
	}
	args := []string{path.Join(srv.Bin, "pg_rewind"), "-D", srv.Data, "--source-server=" + source(r.Question.To, r.Plan.Facts.Source.Version), "--progress"}
	if p.Facts.Target.Major >= 13 {
		args = append(args, "--no-ensure-shutdown")
	}
	if p.RestoreWAL {
		args = append(args, "--restore-target-wal")
		config, err := configFile(ctx, srv, p.Facts.Target.Major)
		if err != nil {
			return Failed{Err: err, Node: node}
		}
		args = append(args, config...)
	}
	fork, _ := p.Facts.Fork()
	size := p.Facts.Target.SegmentSize
	const timelineDigits = 8 // of a segment's name
	first := timeline.Segment{Begin: fork.End - fork.End%size}.Name(size)[timelineDigits:]
	out := &output{journal: r.Journal, node: node}
	err := r.Journal.Do(step.Step{Step: "rewind", Node: &node, Command: host.Cmd{Args: args}.String()}, func(st *step.Step) error {
		script := host.Shell(rewindScript, append([]string{srv.Data, note, first}, args...)...)
		cmd := host.Cmd{Args: host.Job(srv.Data, script...), Stdout: out}
		err := srv.Host.Run(ctx, plan.WithPassword(cmd, r.Question.To.Password))
		st.Detail = out.found
		if err != nil {
			return out.failed(err)
		}
		return out.err
	})
	broken := err != nil && out.began
	if err != nil {
		failed := Failed{Err: err, Node: node}
		if broken {
			failed.Broken = srv.Data
		}
		err = failed
	}
	// A new copy takes over the node's own files, too, so they go back in any case.
	err = errors.Join(err, own.Restore(ctx, srv.Host, saved, srv.Data))
	if !broken {
		err = errors.Join(err, host.Remove(ctx, srv.Host, work))
	}
	return err
}

// source is how pg_rewind logs in. The planner takes its list of files, by functions whose cost nobody knows, for so expensive that a
// server with JIT compiles it first: seconds on a busy host, for a list of a thousand files.
func source(to backend.Server, version int) string {
	const hasJIT = 110000
	if version < hasJIT {
		return plan.Login(to)
	}
	return plan.Login(to) + " options='-c jit=off'"
}

// configFile tells pg_rewind where the server's configuration is, when that is not in the data directory.
func configFile(ctx context.Context, srv host.Server, major int) ([]string, error) {
	const known = 14
	if major < known {
		return nil, nil
	}
	words, err := host.Options(ctx, srv.Host, srv.Data)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		if name, ok := strings.CutPrefix(w, "config_file="); ok {
			return []string{"--config-file=" + name}, nil
		}
	}
	return nil, nil
}
