// Package render prints what a PCP server answered, in the words of Pgpool-II's pcp_ programs or as JSON.
//
// Scripts read the output of these programs by column, so it is that of Pgpool-II 4.3.5 byte for byte; answers of servers
// of other versions look as that version's programs print them. The JSON has one object for each thing, with the names of
// the columns of SHOW POOL_NODES and its like.
package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Printer prints answers to W.
type Printer struct {
	W       io.Writer
	Program string         // such as pcp_node_info
	Zone    *time.Location // of times that the server tells as numbers
	Verbose bool           // with titles, one value a line
	JSON    bool           // rather than either
}

// Done says that an order was carried out.
func (p *Printer) Done() error {
	if p.JSON {
		return p.json(struct {
			Type string `json:"type"`
			OK   bool   `json:"ok"`
		}{p.kind(), true})
	}
	return p.printf("%s -- Command Successful\n", p.Program)
}

// NodeCount prints the number of nodes.
func (p *Printer) NodeCount(n int64) error {
	switch {
	case p.JSON:
		return p.json(struct {
			Type  string `json:"type"`
			Nodes int64  `json:"nodes"`
		}{p.kind(), n})
	case p.Verbose:
		return p.printf("Node Count\n____________\n %d\n", n)
	}
	return p.printf("%d\n", n)
}

// kind is what the JSON objects have as type: the program without its first word.
func (p *Printer) kind() string { return strings.TrimPrefix(p.Program, "pcp_") }

func (p *Printer) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(p.W, format, args...)
	return err
}

func (p *Printer) json(v any) error { return json.NewEncoder(p.W).Encode(v) }

// at is a time as Pgpool-II's programs print it.
func (p *Printer) at(t time.Time) string { return t.In(p.Zone).Format(time.DateTime) }

// known is at for a time that is not known when it is that of number 0.
func (p *Printer) known(t time.Time) string {
	if t.Unix() == 0 {
		return ""
	}
	return p.at(t)
}
