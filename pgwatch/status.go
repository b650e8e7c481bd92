package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/node"
)

// statusCmd shows what a running pgwatch knows.
type statusCmd struct {
	JSON bool `short:"j" name:"json" help:"Print one JSON value instead of tables."`
}

// Run asks over the control socket.
func (cmd statusCmd) Run(ctx context.Context, t *tool.Tool) error {
	var s node.Status
	if err := ask(ctx, t, limit, node.OpStatus, nil, &s); err != nil {
		return err
	}
	if cmd.JSON {
		e := json.NewEncoder(t.Out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	printStatus(t.Out, &s)
	return nil
}

func printStatus(out io.Writer, s *node.Status) {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "node\tname\tstate\tleads\tvote\taddress")
	for _, m := range s.Members {
		name := m.Name
		if m.Self {
			name += " (this)"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", m.ID, name, m.State, yes(m.Leader), vote(m), yes(m.VIP))
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "backend\taddress\tstatus\tstate\trole\ttimeline\tposition\tlag_bytes\treason")
	for _, b := range s.Backends {
		lag := ""
		if b.LagBytes != nil {
			lag = fmt.Sprint(*b.LagBytes)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", b.ID, b.Addr, b.Status, b.State, b.Role, b.Timeline, b.LSN, lag, b.Reason)
	}
	w.Flush()
	fmt.Fprintf(out, "\nepoch %d, term %d, quorum %s", s.Epoch, s.Term, s.Quorum)
	if s.ServeMS > 0 {
		fmt.Fprint(out, ", routers here may write")
	} else {
		fmt.Fprint(out, ", routers here may not write")
	}
	fmt.Fprintln(out)
	if s.Pause != nil {
		fmt.Fprintf(out, "paused by %s: nothing is decided until pgwatch resume\n", s.Pause.By)
	}
	if f := s.Failover; f != nil {
		fmt.Fprintf(out, "%s from backend %d to %s is at %s: %s %s\n", f.Kind, f.From, candidate(f.To), f.State, f.Reason, f.Err)
	}
	for _, b := range s.Backends {
		if r := b.Recovery; r != nil && !r.Done {
			fmt.Fprintf(out, "backend %d is being recovered from backend %d by %s: %s", b.ID, r.To, r.Method, r.Step)
			if r.Total > 0 {
				fmt.Fprintf(out, ", %.0f %% of %d bytes", r.Percent, r.Total)
			}
			fmt.Fprintln(out)
		} else if r != nil && r.Err != "" && b.PoolStatus != 2 {
			fmt.Fprintf(out, "the last recovery of backend %d failed: %s\n", b.ID, r.Err)
		}
	}
	for _, p := range s.Problems {
		fmt.Fprintln(out, "problem:", p)
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func vote(m node.MemberStatus) string {
	switch {
	case m.Witness:
		return "witness"
	case m.Voter:
		return "yes"
	}
	return "no"
}

func candidate(id int) string {
	if id < 0 {
		return "whoever is best"
	}
	return fmt.Sprint(id)
}
