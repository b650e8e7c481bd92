package clilog

import (
	"log/slog"
	"strings"
)

// NotReloaded logs why a reload did not take place, each line of err by itself, and that nothing has changed.
func NotReloaded(log *slog.Logger, err error) {
	for line := range strings.Lines(err.Error()) {
		log.Error("a file is wrong", "problem", strings.TrimSuffix(line, "\n"))
	}
	log.Error("not reloaded, the old configuration stays in force")
}

// NeedRestart logs which parameters a reload has left as they were, if there are any.
func NeedRestart(log *slog.Logger, names []string) {
	if len(names) > 0 {
		log.Warn("these parameters have new values that need a restart", "names", strings.Join(names, ", "))
	}
}
