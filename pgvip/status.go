package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/neighbor"
)

// askLimit is how long a pgvip hold may take to answer.
const askLimit = 5 * time.Second

// statusCmd shows what is.
type statusCmd struct {
	device
	JSON bool `short:"j" name:"json" help:"Print one JSON value instead of a table."`
}

// shown is what pgvip status -j prints.
type shown struct {
	Addresses []where  `json:"addresses"`
	Hold      *running `json:"hold,omitempty"` // absent: no pgvip hold runs with this configuration
}

// where is the truth about one address.
type where struct {
	Addr      string `json:"addr"`
	Dev       string `json:"dev"`
	Holder    string `json:"holder"`               // self, other, nobody or unknown
	MAC       string `json:"mac,omitempty"`        // of the other holder
	Prefix    int    `json:"prefix,omitempty"`     // length, when it is here
	Label     string `json:"label,omitempty"`      // when it is here
	LifetimeS *int64 `json:"lifetime_s,omitempty"` // what remains of it here; absent: it has none
	Err       string `json:"err,omitempty"`        // why the network could not be asked
}

// Run asks the kernel, the network and the pgvip that runs.
func (s statusCmd) Run(ctx context.Context, t *tool.Tool) error {
	all, c, err := s.named(t, nil)
	if err != nil {
		return err
	}
	var v shown
	for _, a := range all {
		w, err := look(ctx, a)
		if err != nil {
			return err
		}
		v.Addresses = append(v.Addresses, w)
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	v.Hold = holder(ctx, c)
	if s.JSON {
		e := json.NewEncoder(t.Out)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	return v.table(t)
}

// look asks the kernel, and the network whether another host has the address too.
func look(ctx context.Context, a address.Address) (where, error) {
	w := where{Addr: a.IP.String(), Dev: a.Dev, Holder: "nobody"}
	n, err := neighbor.Open(a.Dev, a.IP, func(string) {})
	defer n.Close()
	if err == nil {
		w.MAC, err = n.Probe(ctx)
	}
	switch {
	case err != nil:
		w.Holder, w.Err = "unknown", err.Error()
	case w.MAC != "":
		w.Holder = "other"
	}
	present, found, err := address.Find(a)
	if err != nil || !found {
		return w, err
	}
	w.Holder, w.Prefix, w.Label = "self", present.Prefix, present.Label
	if present.Left != address.Forever {
		left := int64(present.Left / time.Second)
		w.LifetimeS = &left
	}
	return w, nil
}

func (v shown) table(t *tool.Tool) error {
	out := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "address\tdevice\tholder\tmac of others\tlifetime\tpgvip hold")
	for i, w := range v.Addresses {
		left := "-"
		if w.LifetimeS != nil {
			left = fmt.Sprintf("%d s", *w.LifetimeS)
		} else if w.Holder == "self" {
			left = "forever"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", w.Addr, w.Dev, w.Holder, orDash(w.MAC), left, v.state(i))
	}
	return out.Flush()
}

// state words what the pgvip that runs says of an address.
func (v shown) state(i int) string {
	if v.Hold == nil {
		return "does not run"
	}
	for _, s := range v.Hold.Addresses {
		switch {
		case s.Addr != v.Addresses[i].Addr:
		case s.Reason == "":
			return s.State
		default:
			return s.State + ": " + s.Reason
		}
	}
	return "has another configuration"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
