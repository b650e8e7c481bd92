// Pgrouter is one port in front of a PostgreSQL primary and its standbys.
//
// It pools server connections, sends reads to standbys and everything else to the primary, and answers
// SHOW POOL_NODES and its relatives itself. It reads pgpool.conf and the files beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/kelseyhightower/envconfig"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/exit"
)

// environment is what PGROUTER_* variables may set besides parameters of the configuration file.
// A flag of the same name wins.
type environment struct {
	Config    string
	LogFormat string `split_words:"true" default:"text"`
	LogLevel  string `split_words:"true" default:"info"`
}

type cli struct {
	Config    string `help:"Configuration file in pgpool.conf's syntax; by default /etc/pgcrew/pgcrew.conf, then /etc/pgpool2/pgpool.conf [PGROUTER_CONFIG]." placeholder:"FILE" default:"${config}"`
	LogFormat string `help:"Log as text or json [PGROUTER_LOG_FORMAT]." enum:"text,json" default:"${log_format}"`
	LogLevel  string `help:"Least level that is logged: debug, info, warn or error [PGROUTER_LOG_LEVEL]." enum:"debug,info,warn,error" default:"${log_level}"`

	Run     runCmd     `cmd:"" help:"Serve clients until SIGTERM. SIGHUP reads the files again."`
	Check   checkCmd   `cmd:"" help:"Read all files, print every problem with its line, and exit."`
	Status  statusCmd  `cmd:"" help:"Show the nodes and sessions of the pgrouter that runs."`
	Explain explainCmd `cmd:"" help:"Tell where statements would go: SQL on standard input, JSON lines on standard output."`
	Sample  sampleCmd  `cmd:"" help:"Print a configuration file with every parameter, commented."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// deps is what a command needs from the outside world.
type deps struct {
	cli      *cli
	in       io.Reader
	out, err io.Writer
	log      *slog.Logger
	environ  []string
}

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)) }

func run(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var env environment
	if err := envconfig.Process("pgrouter", &env); err != nil {
		fmt.Fprintln(stderr, "pgrouter: error:", err)
		return exit.Usage
	}
	var c cli
	ended := -1
	parser := kong.Must(&c,
		kong.Name("pgrouter"),
		kong.Description("One port in front of a PostgreSQL primary and its standbys."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { ended = status }),
		kong.Vars{"config": env.Config, "log_format": env.LogFormat, "log_level": env.LogLevel},
	)
	k, err := parser.Parse(args)
	if ended >= 0 {
		return ended // help was printed
	}
	if err != nil {
		fmt.Fprintln(stderr, "pgrouter: error:", err)
		return exit.Usage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var level slog.Level
	level.UnmarshalText([]byte(c.LogLevel)) // the flag's values are all levels
	log, err := clilog.New(stderr, c.LogFormat, level)
	if err != nil {
		fmt.Fprintln(stderr, "pgrouter: error:", err)
		return exit.Usage
	}
	d := &deps{cli: &c, in: stdin, out: stdout, err: stderr, log: log, environ: environ}
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(d); err != nil {
		clilog.Complain(stderr, "pgrouter", err)
		return status(err)
	}
	return exit.OK
}

// status maps an error to the exit status that tells a script whether trying again may help.
func status(err error) int {
	var problems config.Problems
	var usage usageError
	switch {
	case errors.As(err, &problems), errors.As(err, &usage):
		return exit.Usage
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return exit.Temporary
	}
	return exit.Failed
}

// usageError is a mistake in flags or files: trying again will not help.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
