package plan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// readTarget reads the files of the node. What a server that runs has said already is better.
func (q Question) readTarget(ctx context.Context, f *Facts) error {
	t, dir := &f.Target, q.Node.DataDirectory
	t.Files = Cluster
	major, err := host.Major(ctx, q.Host, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return q.readRemains(ctx, t)
	}
	if err != nil {
		return err
	}
	number, _, _ := strings.Cut(major, ".") // before version 10
	if t.Major, err = strconv.Atoi(number); err != nil {
		return fmt.Errorf("%s/PG_VERSION says %.20q", dir, major)
	}
	if t.Bin, err = host.Programs(ctx, q.Host, dir, major, f.Source.Bin); err != nil {
		return err
	}
	srv := host.Server{Host: q.Host, Data: dir, Bin: t.Bin}
	if !t.Runs {
		p, err := srv.Look(ctx)
		if err != nil {
			return err
		}
		t.Runs = p.Postmaster != 0 || len(p.Others) > 0
	}
	if t.Broken, err = brokenOff(ctx, srv); err != nil {
		return err
	}
	there, err := host.Exists(ctx, q.Host, path.Join(dir, "global", "pg_control"))
	if err != nil {
		return err
	}
	if !there {
		t.Broken = "it has no global/pg_control, as a copy or a removal that was broken off"
		return nil
	}
	w, err := readWAL(ctx, srv)
	if err != nil {
		return err
	}
	t.SegmentSize, t.Hints, t.SystemID = w.segmentSize, w.hints, w.systemID
	if !t.Answers {
		t.Standby, t.Clean = w.standby(), w.clean() && !t.Runs
		t.History = w.history
		if t.End, err = w.end(ctx); err != nil {
			return err
		}
	}
	if t.SystemID != f.Source.SystemID || q.Copy {
		return nil
	}
	if t.Checkpoint, err = w.commonCheckpoint(ctx, f); err != nil {
		return err
	}
	return q.readRewind(ctx, srv, t)
}

// readRemains looks at a directory that has no PG_VERSION. A copy or a removal that was broken off leaves others of a data
// directory's parts, in the order of the file system.
func (q Question) readRemains(ctx context.Context, t *Target) error {
	dir := q.Node.DataDirectory
	empty, err := host.IsEmpty(ctx, q.Host, dir)
	if err != nil {
		return err
	}
	if empty {
		t.Files = Missing
		return nil
	}
	t.Files = Foreign
	for _, name := range []string{"backup_label", "global", "pg_wal", "pg_xlog", "pg_multixact", "pg_tblspc"} {
		there, err := host.Exists(ctx, q.Host, path.Join(dir, name))
		if err != nil {
			return err
		}
		if there {
			t.Files, t.Broken = Cluster, "it has no PG_VERSION, as a copy or a removal that was broken off"
			return nil
		}
	}
	return nil
}

// readRewind finds out whether pg_rewind can run on the host of the node.
func (q Question) readRewind(ctx context.Context, srv host.Server, t *Target) error {
	restore, err := restoreCommand(ctx, srv, t.Major)
	if err != nil {
		return err
	}
	t.Restore = restore != ""
	there, err := host.Exists(ctx, q.Host, path.Join(srv.Bin, "pg_rewind"))
	switch {
	case err != nil:
		return err
	case !there:
		t.NoRewind = "there is no pg_rewind in " + srv.Bin
		return nil
	}
	args := []string{path.Join(srv.Bin, "psql"), "-X", "-q", "-A", "-t", "-c", "SELECT 1", "-d", Login(q.To)}
	if err := q.Host.Run(ctx, host.Cmd{Args: args, Password: q.To.Password}); err != nil {
		var e *host.Error
		said := err.Error()
		if errors.As(err, &e) && e.Said != "" {
			said = e.Said
		}
		t.NoRewind = fmt.Sprintf("its host cannot log in to node %d as %s (%s)", q.To.ID, q.To.User, said)
	}
	return nil
}

// recoveryConf is the last version whose standbys have a recovery.conf, which no program reads for us.
const recoveryConf = 11

// restoreCommand returns the server's restore_command, or "".
func restoreCommand(ctx context.Context, srv host.Server, major int) (string, error) {
	if major <= recoveryConf {
		return "", nil
	}
	return srv.Setting(ctx, "restore_command")
}

// wal is what the files of a server tell.
type wal struct {
	control
	srv     host.Server
	files   map[string]bool  // of pg_wal
	history timeline.History // of the newest timeline that it has WAL of
}

func readWAL(ctx context.Context, srv host.Server) (w wal, err error) {
	w.srv = srv
	text, err := host.Ask(ctx, srv.Host, path.Join(srv.Bin, "pg_controldata"), srv.Data)
	if err != nil {
		return w, err
	}
	if w.control, err = parseControl(text); err != nil {
		return w, fmt.Errorf("%s: %w", srv.Data, err)
	}
	names, err := host.Ask(ctx, srv.Host, "ls", path.Join(srv.Data, "pg_wal"))
	if err != nil {
		return w, err
	}
	// The file names the timeline of the last checkpoint, which a promotion does not wait for. Its WAL has the new one.
	newest := w.timeline
	w.files = make(map[string]bool)
	for _, name := range strings.Fields(names) {
		w.files[name] = true
		if s, ok := timeline.ParseSegment(name, w.segmentSize); ok {
			newest = max(newest, s.Timeline)
		}
	}
	past := ""
	if newest > 1 {
		b, err := host.ReadFile(ctx, srv.Host, path.Join(srv.Data, "pg_wal", timeline.File(newest)))
		if err != nil {
			return w, err
		}
		past = string(b)
	}
	w.history, err = timeline.Parse(newest, past)
	return w, err
}
