package logs

import (
	"io/fs"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

// Settings say where lines go.
type Settings struct {
	Stderr    bool // to standard error, or to files when Collector is set
	Syslog    bool
	Facility  string // LOCAL0 to LOCAL7
	Ident     string // name in syslog
	Collector bool
	Files     Files
}

// Files are how log files are named and when a new one begins.
type Files struct {
	Directory string
	Name      string // with the escapes of strftime(3)
	Mode      fs.FileMode
	Truncate  bool          // empty an old file of the name when a new one begins by Age
	Age       time.Duration // 0: never
	Size      int64         // 0: never
}

// Read takes the settings from the configuration.
func Read(c *config.Config) Settings {
	return Settings{
		Stderr:    slices.Contains(c.List("log_destination"), "stderr"),
		Syslog:    slices.Contains(c.List("log_destination"), "syslog"),
		Facility:  c.Enum("syslog_facility"),
		Ident:     c.String("syslog_ident"),
		Collector: c.Bool("logging_collector"),
		Files: Files{
			Directory: c.Beside(c.String("log_directory")),
			Name:      c.String("log_filename"),
			Mode:      fs.FileMode(c.Int("log_file_mode")),
			Truncate:  c.Bool("log_truncate_on_rotation"),
			Age:       c.Duration("log_rotation_age"),
			Size:      c.Bytes("log_rotation_size"),
		},
	}
}
