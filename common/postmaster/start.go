package postmaster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Start starts a server that does not run, with the command line that it had: Debian keeps the configuration elsewhere,
// and only that command line tells where. Debian's unit of the server does it where this user may. It returns when the server lets clients in; ctx bounds the waiting, not the
// server's life. The error quotes what the server said.
func (s *Server) Start(ctx context.Context) error {
	switch st := s.Look(); st.Postmaster {
	case Runs:
		return fmt.Errorf("%s: its server runs already, with process number %d", s.dir, st.PID)
	case Orphans:
		return fmt.Errorf("%s: processes %v of its dead postmaster still live, and a new one would not start beside them: end them", s.dir, st.Orphans)
	case Unknown:
		return errors.New(st.Why)
	}
	words, err := s.options()
	if err != nil {
		return err
	}
	if started, err := s.startUnit(ctx, words); started || err != nil {
		return err
	}
	var options []string
	for _, w := range words[1:] {
		options = append(options, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
	}
	log := s.logFile(words)
	said := size(log)
	// pg_ctl gives up after a minute by default, and crash recovery may take longer.
	patience := 24 * time.Hour
	if end, ok := ctx.Deadline(); ok {
		patience = max(time.Second, time.Until(end))
	}
	cmd, err := s.Command(ctx, "pg_ctl", "-s", "-w", "-t", strconv.Itoa(int(patience.Seconds())), "-D", s.dir, "-l", log,
		"-o", strings.Join(options, " "), "start")
	if err != nil {
		return err
	}
	// Without a file for its output, what pg_ctl prints would be the server's as well, and never end.
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w%s", cmd, err, quote(log, said))
	}
	return nil
}

// Ready tells whether the server lets clients in, as pg_ctl finds out.
func (s *Server) Ready() bool {
	f, err := readPIDFile(s.dir)
	return err == nil && f.ready && s.Look().Postmaster == Runs
}

// logFile is where the server writes until its logging_collector takes over: Debian's file of the cluster if there is one.
func (s *Server) logFile(words []string) string {
	for _, w := range words {
		if conf, ok := strings.CutPrefix(w, "config_file="); ok {
			version, name := cluster(conf)
			path := filepath.Join("/var/log/postgresql", fmt.Sprintf("postgresql-%s-%s.log", version, name))
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return filepath.Join(s.dir, "pgcrew-start.log")
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// quoted is the most of a server's words in an error.
const quoted = 1000

// quote returns what a file says from a place on, or its end when that is long.
func quote(path string, from int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) <= from {
		return ""
	}
	text = text[from:]
	text = text[max(0, len(text)-quoted):]
	return ": " + strings.TrimSpace(string(text))
}
