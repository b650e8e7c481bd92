package node

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// addWitness is what mends all that even numbers of votes bring about.
const addWitness = "add a witness: pgwatch run --witness on a third host"

// Traps are what an operator of this configuration should know before it matters. Each names the mend.
func (s *Settings) Traps(ctx context.Context) (list []string) {
	c := s.Config
	list = append(s.roadTraps(ctx), s.warnings...)
	say := func(name, text, mend string) { list = append(list, c.Problem(name, text, mend).String()) }
	if c.Bool("use_watchdog") && c.String("wd_authkey") == "" {
		say("wd_authkey", "wd_authkey is empty: whoever reaches wd_port can join and decide", "set the same secret on all nodes")
	}
	if n := len(s.Members); n > 0 && n%2 == 0 {
		half := c.Bool("enable_consensus_with_half_votes")
		switch {
		case !half:
			say("enable_consensus_with_half_votes", fmt.Sprintf("%d nodes vote: when half of them are gone nothing is decided any more", n), addWitness)
		case len(c.List("trusted_servers")) == 0:
			say("enable_consensus_with_half_votes", "enable_consensus_with_half_votes without trusted_servers: when the link between the nodes is cut, both sides go on and histories part",
				"set trusted_servers to hosts beyond the link, or "+addWitness)
		default:
			say("enable_consensus_with_half_votes", "enable_consensus_with_half_votes: when the link between the nodes is cut and both reach trusted_servers, both sides go on", addWitness)
		}
	}
	for _, name := range []string{"failover_command", "follow_primary_command", "failback_command", "wd_escalation_command", "wd_de_escalation_command"} {
		words := strings.Fields(c.String(name))
		if len(words) == 0 || !strings.HasPrefix(words[0], "/") {
			continue
		}
		if _, err := os.Stat(words[0]); err != nil {
			say(name, fmt.Sprintf("%s: %v", name, err), "mend the path, or remove the line")
		} else if unix.Access(words[0], unix.X_OK) != nil {
			say(name, fmt.Sprintf("%s: this user may not execute %s", name, words[0]), "chmod +x it, and run pgwatch as the user who may")
		}
	}
	for _, b := range c.Backends() {
		if c.String("sr_check_user") == "" && c.StringAt("health_check_user", b.ID) == "" && !b.Flags.AlwaysPrimary {
			say("sr_check_user", fmt.Sprintf("sr_check_user is not set: nobody can ask backend %d whether it is a primary, so it never becomes one", b.ID), "set sr_check_user to a role with pg_monitor")
		}
		if s.Local[b.ID] && b.DataDirectory == "" {
			say(fmt.Sprint("backend_hostname", b.ID), fmt.Sprintf("backend_data_directory%d is not set: whether that server is really dead cannot be known, so a failover waits for leases to end", b.ID),
				"set it to the server's data folder")
		}
	}
	return list
}
