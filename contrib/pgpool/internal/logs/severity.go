package logs

import (
	"bytes"
	"log/slog"
)

// severity is how bad a line is, by the level that the logger of every tool writes, or by the form of a complaint about
// the command line. A line without either, as of a crash or of a hook, is worth a look.
func severity(line []byte) slog.Level {
	for _, each := range []struct {
		word  string
		level slog.Level
	}{
		{"level=info", slog.LevelInfo}, {"level=debug", slog.LevelDebug}, {"level=warn", slog.LevelWarn}, {"level=error", slog.LevelError},
		{`"level":"info"`, slog.LevelInfo}, {`"level":"debug"`, slog.LevelDebug}, {`"level":"warn"`, slog.LevelWarn}, {`"level":"error"`, slog.LevelError},
		{": error: ", slog.LevelError},
	} {
		if bytes.Contains(line, []byte(each.word)) {
			return each.level
		}
	}
	return slog.LevelWarn
}
