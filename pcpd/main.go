// Pcpd answers Pgpool-II's administration protocol, PCP, for the whole cluster. It asks pgwatch and pgrouter, and holds
// no state of its own.
package main

import (
	"os"

	"github.com/pgcrew/pgcrew/common/tool"
)

type cli struct {
	tool.Flags

	Run     runCmd          `cmd:"" help:"Serve PCP clients until SIGTERM. SIGHUP reads the configuration again."`
	Check   checkCmd        `cmd:"" help:"Read the configuration and pcp.conf, print every problem with its line, and exit."`
	Sample  tool.SampleCmd  `cmd:"" help:"Print a configuration file with every parameter that pgcrew obeys, commented."`
	Version tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pcpd", "PCPD", "Pgpool-II's administration protocol.", &c, &c.Flags, args, w)
}
