// Pgrouter is one port in front of a PostgreSQL primary and its standbys.
//
// It pools server connections, sends reads to standbys and everything else to the primary, and answers
// SHOW POOL_NODES and its relatives itself. It reads pgpool.conf and the files beside it.
package main

import (
	"os"

	"github.com/pgcrew/pgcrew/common/tool"
)

type cli struct {
	tool.Flags

	Run     runCmd          `cmd:"" help:"Serve clients until SIGTERM. SIGHUP reads the files again."`
	Check   checkCmd        `cmd:"" help:"Read all files, print every problem with its line, and exit."`
	Status  statusCmd       `cmd:"" help:"Show the nodes and sessions of the pgrouter that runs."`
	Explain explainCmd      `cmd:"" help:"Tell where statements would go: SQL on standard input, JSON lines on standard output."`
	Sample  tool.SampleCmd  `cmd:"" help:"Print a configuration file with every parameter that pgcrew obeys, commented."`
	Version tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pgrouter", "PGROUTER", "One port in front of a PostgreSQL primary and its standbys.", &c, &c.Flags, args, w)
}
