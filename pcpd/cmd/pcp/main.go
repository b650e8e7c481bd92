// Pcp asks a PCP server, pcpd or Pgpool-II, and gives it orders, as Pgpool-II's pcp_ programs do. Under the name
// pcp_node_info it is the command node_info, and so on.
package main

import (
	"errors"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/pcpd/internal/client"
)

type cli struct {
	Host       string      `short:"h" placeholder:"HOST" help:"Host of the server, or the folder of its Unix socket. Without it the socket in /var/run/postgresql or /tmp."`
	Port       int         `short:"p" placeholder:"PORT" help:"Port of the server, 9898 by default." default:"9898"`
	Username   string      `short:"U" placeholder:"NAME" help:"User of pcp.conf; by default the user of the operating system."`
	NoPassword bool        `short:"w" help:"Never ask for a password: fail when the password file has none." xor:"password"`
	Password   bool        `short:"W" help:"Ask for the password, whatever the password file [PCPPASSFILE] has." xor:"password"`
	Verbose    bool        `short:"v" help:"Print a title before each value."`
	JSON       bool        `name:"json" help:"Print JSON."`
	Debug      bool        `short:"d" help:"Print the messages that pass, on standard error."`
	Compat     string      `help:"Version of Pgpool-II whose requests the server understands; answers are understood anyway." enum:"4.2,4.3,4.8" default:"4.3"`
	Version    versionFlag `short:"V" help:"Print the version."`
	Help       helpFlag    `short:"?" help:"Print this help."`

	NodeCount            nodeCountCmd       `cmd:"" name:"node_count" help:"Print the number of nodes."`
	NodeInfo             nodeInfoCmd        `cmd:"" name:"node_info" help:"Print what is known of a node, or of all."`
	HealthCheckStats     healthCmd          `cmd:"" name:"health_check_stats" help:"Print how the health checks of a node went."`
	ProcCount            procCountCmd       `cmd:"" name:"proc_count" help:"Print the processes that serve clients."`
	ProcInfo             procInfoCmd        `cmd:"" name:"proc_info" help:"Print the sessions of a process, or of all."`
	WatchdogInfo         watchdogInfoCmd    `cmd:"" name:"watchdog_info" help:"Print the cluster of servers that share the virtual address."`
	PoolStatus           poolStatusCmd      `cmd:"" name:"pool_status" help:"Print the parameters and their values."`
	AttachNode           attachCmd          `cmd:"" name:"attach_node" help:"Use a node again."`
	DetachNode           detachCmd          `cmd:"" name:"detach_node" help:"Use a node no more."`
	PromoteNode          promoteCmd         `cmd:"" name:"promote_node" help:"Make a node the primary."`
	RecoveryNode         recoverCmd         `cmd:"" name:"recovery_node" help:"Make a node a standby of the primary, and use it."`
	StopPgpool           stopCmd            `cmd:"" name:"stop_pgpool" help:"End the pooler."`
	ReloadConfig         reloadCmd          `cmd:"" name:"reload_config" help:"Have the configuration read again."`
	LogRotate            rotateCmd          `cmd:"" name:"log_rotate" help:"Begin a new log file."`
	InvalidateQueryCache invalidateCacheCmd `cmd:"" name:"invalidate_query_cache" help:"Empty the query cache."`
}

// programs is how the names begin under which the commands are called directly.
const programs = "pcp_"

// A world is what the program needs from outside.
type world struct {
	out, err io.Writer
	getenv   func(string) string
	account  *user.User                          // who runs it; nil when the system does not know
	prompt   func(prompt string) (string, error) // reads a password
	sockets  []string                            // folders in which the server's Unix socket may be
	zone     *time.Location
}

func main() {
	account, err := user.Current()
	if err != nil {
		account = nil
	}
	os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:], world{os.Stdout, os.Stderr, os.Getenv, account, prompt, defaultSockets, time.Local}))
}

// run is the program under that name. Its statuses are those of Pgpool-II's programs, but for an order that the server
// refused: that is a failure too.
func run(name string, args []string, w world) int {
	if command, ok := strings.CutPrefix(name, programs); ok {
		args = append([]string{command}, args...)
	}
	var c cli
	ended := false
	s := &shell{world: w, cli: &c, name: name}
	// Help goes to standard error, as that of Pgpool-II's programs.
	parser := kong.Must(&c, kong.Name("pcp"), kong.Description("Asks a PCP server, pcpd or Pgpool-II."), kong.NoDefaultHelp(),
		kong.Writers(w.err, w.err), kong.Exit(func(int) { ended = true }), kong.Bind(s))
	k, err := parser.Parse(args)
	if ended {
		return exit.OK
	}
	if err == nil {
		s.name = programs + k.Selected().Name
		err = k.Run()
	}
	return s.complain(err)
}

// complain says why the command failed. Errors of the server and of the connection have the words of Pgpool-II's programs.
func (s *shell) complain(err error) int {
	var refusal *client.Refusal
	var connect *connectError
	switch {
	case err == nil:
		return exit.OK
	case errors.As(err, &refusal):
		io.WriteString(s.err, refusal.Error()+"\n\n")
	case errors.As(err, &connect):
		io.WriteString(s.err, connect.Error()+"\n")
	default:
		clilog.Complain(s.err, s.name, err)
	}
	return exit.Failed
}
