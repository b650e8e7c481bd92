package node

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Traps are what an operator of this configuration should know before it matters. Each names the mend.
func (s *Settings) Traps() (list []string) {
	c := s.Config
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if c.Bool("use_watchdog") && c.String("wd_authkey") == "" {
		say("wd_authkey is empty: whoever reaches wd_port can join and decide; set the same secret on all nodes")
	}
	if len(s.Members)%2 == 0 {
		half := c.Bool("enable_consensus_with_half_votes")
		switch {
		case !half:
			say("%d nodes vote: when half of them are gone nothing is decided any more; add a witness (pgwatch run --witness on a third host)", len(s.Members))
		case len(c.List("trusted_servers")) == 0:
			say("enable_consensus_with_half_votes without trusted_servers: when the link between the nodes is cut, both sides go on and histories part; " +
				"set trusted_servers to hosts beyond the link, or add a witness (pgwatch run --witness on a third host)")
		default:
			say("enable_consensus_with_half_votes: when the link between the nodes is cut and both reach trusted_servers, both sides go on; add a witness (pgwatch run --witness on a third host)")
		}
	}
	for _, name := range []string{"failover_command", "follow_primary_command", "failback_command", "wd_escalation_command", "wd_de_escalation_command"} {
		words := strings.Fields(c.String(name))
		if len(words) == 0 || !strings.HasPrefix(words[0], "/") {
			continue
		}
		if _, err := os.Stat(words[0]); err != nil {
			say("%s: %v", name, err)
		} else if unix.Access(words[0], unix.X_OK) != nil {
			say("%s: this user may not execute %s: chmod +x it, and run pgwatch as the user who may", name, words[0])
		}
	}
	for _, b := range c.Backends() {
		if c.String("sr_check_user") == "" && c.StringAt("health_check_user", b.ID) == "" && !b.Flags.AlwaysPrimary {
			say("sr_check_user is not set: nobody can ask backend %d whether it is a primary, so it never becomes one; set sr_check_user to a role with pg_monitor", b.ID)
		}
		if s.Local[b.ID] && b.DataDirectory == "" {
			say("backend_data_directory%d is not set: whether that server is really dead cannot be known, so a failover waits for leases to end", b.ID)
		}
	}
	return list
}
