// Pcpd answers Pgpool-II's administration protocol, PCP, for the whole cluster. It asks pgwatch and pgrouter, and holds
// no state of its own.
package main

import (
	"os"

	"github.com/pgcrew/pgcrew/common/tool"
)

type cli struct {
	tool.Flags

	Version tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pcpd", "PCPD", "Pgpool-II's administration protocol.", &c, &c.Flags, args, w)
}
