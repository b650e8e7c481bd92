package clilog

import (
	"log/slog"
	"strings"
)

// Problems logs each line of err by itself under the same words: an error of a file may be all that is wrong with it.
func Problems(log *slog.Logger, words string, err error) {
	for line := range strings.Lines(err.Error()) {
		log.Error(words, "problem", strings.TrimSuffix(line, "\n"))
	}
}

// NotReloaded logs why a reload did not take place, and that nothing has changed.
func NotReloaded(log *slog.Logger, err error) {
	Problems(log, "a file is wrong", err)
	log.Error("not reloaded, the old configuration stays in force")
}

// NeedRestart logs which parameters a reload has left as they were, if there are any.
func NeedRestart(log *slog.Logger, names []string) {
	if len(names) > 0 {
		log.Warn("these parameters have new values that need a restart", "names", strings.Join(names, ", "))
	}
}
