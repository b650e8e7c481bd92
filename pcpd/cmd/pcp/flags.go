package main

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pcpd/internal/client"
)

// helpFlag prints the help of the command that is named.
type helpFlag bool

// BeforeReset is called before mistakes are looked for.
func (helpFlag) BeforeReset(k *kong.Context) error {
	if err := k.PrintUsage(false); err != nil {
		return err
	}
	k.Exit(0)
	return nil
}

// versionFlag prints the version where Pgpool-II's programs print theirs.
type versionFlag bool

// BeforeReset is called before mistakes are looked for.
func (versionFlag) BeforeReset(k *kong.Context, s *shell) error {
	fmt.Fprintf(s.err, "%s (pgcrew) %s\n", s.name, tool.Version())
	k.Exit(0)
	return nil
}

// Validate is called after all flags were read.
func (c *cli) Validate() error {
	switch {
	case c.Port < 1 || c.Port > 65535:
		return fmt.Errorf("port %d: it is 1 to 65535", c.Port)
	case c.JSON && c.Verbose:
		return errors.New("--json and --verbose: choose one")
	}
	return nil
}

// arguments are what is behind the flags. Like Pgpool-II's programs each command takes more than it needs, and says so.
type arguments struct {
	Arguments []string `arg:"" optional:"" name:"id" help:"Number of the node, the watchdog or the process, for the commands that take one."`
}

// extra warns of arguments that are not needed.
func (a arguments) extra(s *shell, needed int) {
	for _, x := range a.Arguments[min(needed, len(a.Arguments)):] {
		fmt.Fprintf(s.err, "%s: Warning: extra command-line argument \"%s\" ignored\n", s.name, x)
	}
}

// number is the flag when it was given, else the first argument, else what stands for none.
func (a arguments) number(s *shell, flag *int, none, least, most int) (int, error) {
	if flag == nil {
		a.extra(s, 1)
		if len(a.Arguments) == 0 {
			return none, nil
		}
		flag = new(int)
		if _, err := fmt.Sscanf(a.Arguments[0]+"\n", "%d\n", flag); err != nil {
			return 0, fmt.Errorf("%q is not a number", a.Arguments[0])
		}
	} else {
		a.extra(s, 0)
	}
	if *flag < least || *flag > most {
		return 0, fmt.Errorf("%d: it is %d to %d", *flag, least, most)
	}
	return *flag, nil
}

// maxNode is the highest number of a backend that Pgpool-II allows.
const maxNode = 127

// node is the argument of commands for one node.
type node struct {
	NodeID *int `short:"n" name:"node-id" placeholder:"ID" help:"Number of the node, as backend_hostname0 has 0."`
	arguments
}

// noNode stands for a node that was not named.
const noNode = -1

func (n node) id(s *shell) (int, error) {
	id, err := n.number(s, n.NodeID, noNode, 0, maxNode)
	if err != nil {
		return 0, fmt.Errorf("node %w", err)
	}
	return id, nil
}

// need is id for commands that cannot do without.
func (n node) need(s *shell) (int, error) {
	id, err := n.id(s)
	if err == nil && id == noNode {
		err = errors.New("missing node-id: say which with -n")
	}
	return id, err
}

// order has f order something of the node.
func (n node) order(s *shell, f func(c *client.Conn, id int) error) error {
	id, err := n.need(s)
	if err != nil {
		return err
	}
	return s.order(func(c *client.Conn) error { return f(c, id) })
}

// scope is whom some orders concern.
type scope struct {
	Scope string `short:"s" placeholder:"SCOPE" help:"local: the server that is asked; cluster: all of them." enum:"local,l,cluster,c" default:"local"`
}

func (s scope) cluster() bool { return s.Scope[0] == 'c' }
