// Pgwatch watches a PostgreSQL cluster together with its peers on other hosts, decides who leads and who is the primary, and
// tells so as JSON lines.
package main

import (
	"os"

	"github.com/pgcrew/pgcrew/common/tool"
)

type cli struct {
	tool.Flags

	Run         runCmd          `cmd:"" help:"Watch until SIGTERM. Events come on standard output and to followers."`
	Check       checkCmd        `cmd:"" help:"Read the configuration, name every problem and every trap, and exit."`
	Status      statusCmd       `cmd:"" help:"Show nodes, servers and what is under way."`
	Follow      followCmd       `cmd:"" help:"Print the events of the pgwatch that runs, as JSON lines."`
	Switchover  switchoverCmd   `cmd:"" help:"Make a standby the primary in order; the old primary follows it."`
	Failover    failoverCmd     `cmd:"" help:"Say that the primary is lost, when pgwatch does not see it."`
	Attach      attachCmd       `cmd:"" help:"Let a server take part again."`
	Detach      detachCmd       `cmd:"" help:"Take a server out until it is attached."`
	Recover     recoverCmd      `cmd:"" help:"Make a server a standby of the primary, by whatever it takes, and attach it."`
	Pause       pauseCmd        `cmd:"" help:"Leave all decisions to people."`
	Resume      resumeCmd       `cmd:"" help:"Take decisions again."`
	Voter       voterCmd        `cmd:"" help:"Take a node that is gone for good out of the votes."`
	ForceQuorum forceQuorumCmd  `cmd:"" help:"Go on with this node alone when the others are lost for good."`
	Sample      tool.SampleCmd  `cmd:"" help:"Print a configuration file with every parameter, commented."`
	Version     tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pgwatch", "PGWATCH", "Watches a PostgreSQL cluster and decides who is the primary.", &c, &c.Flags, args, w)
}
