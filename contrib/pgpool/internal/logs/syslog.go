package logs

import (
	"fmt"
	"log/slog"
	"log/syslog"
)

// facilities are the values of syslog_facility.
var facilities = map[string]syslog.Priority{
	"LOCAL0": syslog.LOG_LOCAL0, "LOCAL1": syslog.LOG_LOCAL1, "LOCAL2": syslog.LOG_LOCAL2, "LOCAL3": syslog.LOG_LOCAL3,
	"LOCAL4": syslog.LOG_LOCAL4, "LOCAL5": syslog.LOG_LOCAL5, "LOCAL6": syslog.LOG_LOCAL6, "LOCAL7": syslog.LOG_LOCAL7,
}

// system is the host's log. It is looked for again with each line while it is not there.
type system struct {
	network, address string // empty for where it usually is
	facility         syslog.Priority
	ident            string
	w                *syslog.Writer
}

// line writes one line.
func (s *system) line(level slog.Level, text string) (err error) {
	if s.w == nil {
		if s.w, err = syslog.Dial(s.network, s.address, s.facility|syslog.LOG_INFO, s.ident); err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
	}
	switch {
	case level >= slog.LevelError:
		return s.w.Err(text)
	case level >= slog.LevelWarn:
		return s.w.Warning(text)
	case level >= slog.LevelInfo:
		return s.w.Info(text)
	}
	return s.w.Debug(text)
}

func (s *system) close() {
	if s.w != nil {
		s.w.Close()
	}
}
