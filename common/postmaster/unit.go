package postmaster

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startUnit has systemd start the server, when it is a cluster of Debian's and this user may: root, or whom a rule of polkit lets.
// The server is then its unit's, as after a boot, and not a part of the service or session that we run in. It returns when the
// server lets clients in, and false when it was not started so.
func (s *Server) startUnit(ctx context.Context, words []string) (started bool, err error) {
	unit := unit(words)
	if unit == "" {
		return false, nil
	}
	cmd := exec.Command("systemctl", "--no-ask-password", "--quiet", "start", unit)
	if cmd.Start() != nil {
		return false, nil
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	// pg_ctlcluster, which the unit runs, goes on to look for two seconds whether the server lasts.
	for at := ended; at != nil || s.Look().Postmaster == Runs; {
		if s.Ready() {
			return true, nil
		}
		select {
		case <-at:
			at = nil
		case <-poll.C:
		case <-ctx.Done():
			return true, context.Cause(ctx)
		}
	}
	return false, nil
}

// unit is the name of the unit of a cluster of Debian's, which the file of its configuration tells; "" for any other server.
func unit(words []string) string {
	for _, w := range words {
		if conf, ok := strings.CutPrefix(w, "config_file="); ok {
			if ok, _ := filepath.Match("/etc/postgresql/*/*/postgresql.conf", conf); ok {
				version, name := cluster(conf)
				return "postgresql@" + version + "-" + name + ".service"
			}
		}
	}
	return ""
}

// cluster is whose configuration the file is: /etc/postgresql/15/main/postgresql.conf is that of 15 main.
func cluster(conf string) (version, name string) {
	dir := filepath.Dir(conf)
	return filepath.Base(filepath.Dir(dir)), filepath.Base(dir)
}
