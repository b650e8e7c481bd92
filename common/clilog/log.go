// Package clilog makes the logger of every tool: words for people on standard error, as text or JSON.
//
// Info is "a state changed", warn "still working, less well", error "somebody must look", debug the
// rest. Libraries return errors and do not log.
package clilog

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// New returns a logger that writes lines from level on to w. format is text or json, as the flag
// --log-format has it; as text the journal of systemd gets the level as priority, and no time, which it
// knows. The level can be moved later, as by a reload, when it is a *slog.LevelVar.
func New(w io.Writer, format string, level slog.Leveler) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: replace}
	switch format {
	case "", "text":
		if inJournal(w) {
			options.ReplaceAttr = withoutTime
			w = journal{w}
		}
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: write text or json", format)
}

// replace gives lines the form of events: times in UTC with milliseconds, levels in lower case, and
// durations in milliseconds, under a key that says so by ending in _ms.
func replace(groups []string, a slog.Attr) slog.Attr {
	switch v := a.Value; {
	case len(groups) == 0 && a.Key == slog.TimeKey && v.Kind() == slog.KindTime:
		a.Value = slog.StringValue(v.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
	case len(groups) == 0 && a.Key == slog.LevelKey:
		if level, ok := v.Any().(slog.Level); ok {
			a.Value = slog.StringValue(strings.ToLower(level.String()))
		}
	case v.Kind() == slog.KindDuration && strings.HasSuffix(a.Key, "_ms"):
		a.Value = slog.Float64Value(float64(v.Duration()) / float64(time.Millisecond))
	}
	return a
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return replace(groups, a)
}

// Level returns what a value of log_min_messages means here. As in PostgreSQL's server log, "log" ranks
// above "error": a change of state is logged under every value up to log, and only fatal and panic
// silence it. An unknown word is taken for warning, the default.
func Level(minMessages string) slog.Level {
	switch name := strings.ToLower(minMessages); {
	case strings.HasPrefix(name, "debug"):
		return slog.LevelDebug
	case name == "fatal", name == "panic":
		return slog.LevelError
	}
	return slog.LevelInfo
}
