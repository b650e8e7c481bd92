package taker

import (
	"context"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/command"
)

// programLimit is how long a program may run: the network of a cloud takes its time.
const programLimit = 30 * time.Second

// A Program moves an address by calling "CMD up|down ADDR DEV", as for clouds whose network knows no ARP. It has no lifetime
// that the kernel would end.
type Program struct {
	Text    string // CMD, for the shell
	Address address.Address
	Node    func() (cluster, node string)
}

// Close does nothing.
func (*Program) Close() {}

// Probe cannot ask.
func (*Program) Probe(context.Context) string { return "" }

// Claim runs the program with up.
func (p *Program) Claim(ctx context.Context, token uint64, _ time.Duration) error {
	return p.run(ctx, "up", fmt.Sprintf("PGVIP_TOKEN=%d", token))
}

// Release runs the program with down, whether or not the address is there, which only the program knows.
func (p *Program) Release(ctx context.Context) (bool, error) { return false, p.run(ctx, "down") }

// Renew does nothing: there is no lifetime.
func (*Program) Renew(time.Duration) error { return nil }

// Announce does nothing: there is nobody to tell.
func (*Program) Announce() error { return nil }

func (p *Program) run(ctx context.Context, action string, env ...string) error {
	cluster, node := p.Node()
	c := command.Command{
		Name: "--exec", Limit: programLimit, Text: p.Text + ` "$@"`, Args: []string{action, p.Address.IP.String(), p.Address.Dev},
		Env: append(env, "PGVIP_ACTION="+action, "PGVIP_ADDR="+p.Address.IP.String(), "PGVIP_DEV="+p.Address.Dev,
			"PGVIP_CLUSTER="+cluster, "PGVIP_NODE="+node),
	}
	return c.Run(ctx)
}
