// Pgpool starts and stops the crew of one host with Pgpool-II's options, from one pgpool.conf.
//
// It runs pgrouter, pgwatch, pgvip and pcpd, starts again what dies, takes their log lines to where the configuration says,
// and ends them in order.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/pgcrew/pgcrew/common/tool"
)

type cli struct {
	tool.Flags
	ConfigFile string `short:"f" help:"The same as --config." type:"path" placeholder:"FILE"`
	HBAFile    string `name:"hba-file" short:"a" help:"Who may log in; by default pool_hba.conf beside the configuration file." type:"path" placeholder:"FILE"`
	PCPFile    string `name:"pcp-file" short:"F" help:"Passwords of PCP; by default pcp.conf beside the configuration file." type:"path" placeholder:"FILE"`
	KeyFile    string `short:"k" help:"Key of the AES entries of pool_passwd; by default what PGPOOLKEYFILE says, then ~/.pgpoolkey." type:"path" placeholder:"FILE"`

	DontDetach      bool `short:"n" help:"Stay in the foreground."`
	DiscardStatus   bool `short:"D" help:"Taken as of Pgpool-II. The state of servers is always looked at anew; a server that an operator has detached stays so."`
	ClearOidmaps    bool `short:"C" help:"Taken as of Pgpool-II, without effect: there is no such map."`
	DebugAssertions bool `short:"x" help:"Taken as of Pgpool-II, without effect."`
	Debug           bool `short:"d" help:"Log all that can be logged."`

	Mode    string      `short:"m" help:"How stop ends the crew: smart, when all clients have left, fast, or immediate." enum:"smart,fast,immediate,s,f,i" default:"smart"`
	Release versionFlag `name:"version" short:"v" help:"Print the version and exit."`
	ReadyFD int         `hidden:"" help:"Where the process that detaches itself tells that it has started."`

	Start  startCmd  `cmd:"" default:"withargs" help:"Start the crew. This is the default."`
	Stop   stopCmd   `cmd:"" help:"End it, and wait until it has ended."`
	Reload reloadCmd `cmd:"" help:"Make all parts read their files again."`
	Rotate rotateCmd `cmd:"" help:"Begin a new log file."`
	Status statusCmd `cmd:"" help:"Show the parts."`
}

// versionFlag prints the version instead of all else.
type versionFlag bool

// BeforeReset implements kong's hook.
func (versionFlag) BeforeReset(k *kong.Kong) error {
	fmt.Fprintln(k.Stdout, "pgpool (pgcrew)", tool.Version())
	k.Exit(0)
	return nil
}

// AfterApply makes of Pgpool-II's options those that all tools have.
func (c *cli) AfterApply() (err error) {
	if c.ConfigFile != "" {
		c.Config = c.ConfigFile
	}
	if c.Config != "" {
		c.Config, err = filepath.Abs(c.Config) // the process that detaches itself leaves the folder
	}
	if c.Debug {
		c.LogLevel = "debug"
	}
	return err
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pgpool", "PGPOOL", "Starts and stops the crew of one host with Pgpool-II's options.", &c, &c.Flags, args, w)
}
