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
