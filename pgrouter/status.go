package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// statusCmd shows what a running pgrouter knows.
type statusCmd struct {
	JSON bool `short:"j" name:"json" help:"Print one JSON value instead of tables."`
}

// Run asks over the control socket.
func (s statusCmd) Run(ctx context.Context, t *tool.Tool) error {
	c, err := t.Config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var st proxy.Status
	if err := tool.Ask(ctx, c, controlName, "status", nil, &st); err != nil {
		return fmt.Errorf("%w (does pgrouter run with this configuration?)", err)
	}
	if s.JSON {
		e := json.NewEncoder(t.Out)
		e.SetIndent("", "  ")
		return e.Encode(st)
	}
	w := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "node\thost\tport\tstatus\trole\tweight\tlag_bytes\tselects\tserver connections\tsince")
	for _, n := range st.Nodes {
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%.3f\t%d\t%d\t%d\t%s\n", n.ID, n.Host, n.Port, n.Status, n.Role, n.Weight,
			n.LagBytes, n.Selects, n.Servers, n.Since.Local().Format(time.DateTime))
	}
	w.Flush()
	fmt.Fprintf(t.Out, "\n%d of %d client sessions, %d of them busy\n", st.Sessions, st.MaxSessions, st.Busy)
	return nil
}
