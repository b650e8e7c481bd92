// Package tool is what the main functions of all tools have in common: flags and their environment variables,
// the logger, the configuration file, and the exit status.
package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/kelseyhightower/envconfig"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/exit"
)

// Flags are the flags that every tool has. A tool embeds them in the struct that kong fills.
type Flags struct {
	Config    string `help:"Configuration file in pgpool.conf's syntax; by default /etc/pgcrew/pgcrew.conf, then /etc/pgpool2/pgpool.conf [${tool_env}_CONFIG]." placeholder:"FILE" default:"${config}"`
	LogFormat string `help:"Log as text or json [${tool_env}_LOG_FORMAT]." enum:"text,json" default:"${log_format}"`
	LogLevel  string `help:"Least level that is logged: debug, info, warn or error [${tool_env}_LOG_LEVEL]." enum:"debug,info,warn,error" default:"${log_level}"`
}

// environment is what variables such as PGWATCH_LOG_LEVEL may set. A flag of the same name wins.
type environment struct {
	Config    string
	LogFormat string `split_words:"true" default:"text"`
	LogLevel  string `split_words:"true" default:"info"`
}

// A World is what a command needs from outside. Tests make their own.
type World struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
}

// System is the World of a real program.
func System() World { return World{os.Stdin, os.Stdout, os.Stderr, os.Environ()} }

// A Tool is one run of a program. kong hands it to the Run method of the command.
type Tool struct {
	World
	Name  string // such as pgwatch
	Env   string // prefix of its variables, such as PGWATCH
	Flags *Flags
	Log   *slog.Logger
}

// Run parses args into commands, whose embedded Flags are flags, runs the command that they name and returns the
// exit status. The commands' Run methods get a context that ends with SIGINT or SIGTERM, and the *Tool.
func Run(name, env, description string, commands any, flags *Flags, args []string, w World) int {
	complain := func(err error) { clilog.Complain(w.Err, name, err) }
	var e environment
	if err := envconfig.Process(name, &e); err != nil {
		complain(err)
		return exit.Usage
	}
	ended := -1
	parser := kong.Must(commands,
		kong.Name(name),
		kong.Description(description),
		kong.Writers(w.Out, w.Err),
		kong.Exit(func(status int) { ended = status }),
		kong.Vars{"tool_env": env, "config": e.Config, "log_format": e.LogFormat, "log_level": e.LogLevel},
	)
	k, err := parser.Parse(args)
	if ended >= 0 {
		return ended // help was printed
	}
	if err != nil {
		complain(err)
		return exit.Usage
	}
	var level slog.Level
	level.UnmarshalText([]byte(flags.LogLevel)) // the flag's values are all levels
	t := &Tool{World: w, Name: name, Env: env, Flags: flags}
	if t.Log, err = clilog.New(w.Err, flags.LogFormat, level); err != nil {
		complain(err)
		return exit.Usage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(t); err != nil {
		complain(err)
		return Status(err)
	}
	return exit.OK
}

// Status maps an error to the exit status that tells a script whether trying again may help.
func Status(err error) int {
	var problems config.Problems
	var usage UsageError
	var coded interface{ ExitStatus() int }
	switch {
	case errors.As(err, &coded):
		return coded.ExitStatus()
	case errors.As(err, &problems), errors.As(err, &usage):
		return exit.Usage
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return exit.Temporary
	}
	return exit.Failed
}

// UsageError is a mistake in flags or files: trying again will not help.
type UsageError struct{ Err error }

// Error implements error.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake.
func (e UsageError) Unwrap() error { return e.Err }

// Coded is an error with an exit status of its own.
type Coded struct {
	Err  error
	Code int // one of package exit
}

// Error implements error.
func (e Coded) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e Coded) Unwrap() error { return e.Err }

// ExitStatus returns Code.
func (e Coded) ExitStatus() int { return e.Code }

// Release is the version that a packager may set with -ldflags -X.
var Release string

// Version is the release, or what the build information says.
func Version() string {
	if Release != "" {
		return Release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// VersionCmd is the command version of every tool.
type VersionCmd struct{}

// Run prints it.
func (VersionCmd) Run(t *Tool) error {
	_, err := fmt.Fprintln(t.Out, t.Name, Version())
	return err
}

// SampleCmd is the command sample of every tool.
type SampleCmd struct{}

// Run prints the configuration file that documents itself.
func (SampleCmd) Run(t *Tool) error {
	_, err := t.Out.Write(config.Sample())
	return err
}
