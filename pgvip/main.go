// Pgvip holds a virtual IP address for as long as pgwatch says that this host may.
//
// It reads pgwatch's events, one JSON object per line, from standard input or from pgwatch's socket, and writes what it did
// in the same form. The address has a lifetime in the kernel that each event renews: whatever happens to pgvip, it goes.
package main

import (
	"os"

	"github.com/pgcrew/pgcrew/common/tool"
)

type cli struct {
	tool.Flags

	Hold    holdCmd         `cmd:"" help:"Follow events, and hold the addresses while they say so."`
	Claim   claimCmd        `cmd:"" help:"Take addresses by hand and announce them."`
	Release releaseCmd      `cmd:"" help:"Give addresses up by hand."`
	Status  statusCmd       `cmd:"" help:"Show the addresses, who has them, and what the pgvip that runs does."`
	Check   checkCmd        `cmd:"" help:"Check configuration, privileges and network interfaces, and exit."`
	Version tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pgvip", "PGVIP", "Holds a virtual IP address for as long as pgwatch says that this host may.", &c, &c.Flags, args, w)
}
