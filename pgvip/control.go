package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgvip/internal/keeper"
)

// controlName is the file name of the control socket.
const controlName = "pgvip.sock"

// running is what a pgvip hold says of itself.
type running struct {
	Follow    string          `json:"follow"`
	Source    string          `json:"source"` // stdin or socket
	Cluster   string          `json:"cluster,omitempty"`
	Node      string          `json:"node,omitempty"`
	Addresses []keeper.Status `json:"addresses"`
}

// serve answers pgvip status, until Close.
func serve(c *config.Config, k *keeper.Keeper, follow string, socket bool, log *slog.Logger) (*control.Server, error) {
	s, err := control.Listen(filepath.Join(tool.RunDirectory(c), controlName), 0o660)
	if err != nil {
		return nil, err
	}
	source := "stdin"
	if socket {
		source = "socket"
	}
	go func() {
		err := s.Serve(context.Background(), func(ctx context.Context, _ control.Peer, q control.Request) (any, error) {
			if q.Op != "status" {
				return nil, control.Unknown(q.Op)
			}
			addresses, err := k.Status(ctx)
			if err != nil {
				return nil, err
			}
			cluster, node := k.Self()
			return running{Follow: follow, Source: source, Cluster: cluster, Node: node, Addresses: addresses}, nil
		})
		if err != nil {
			log.Error("the control socket is closed", "err", err)
		}
	}()
	return s, nil
}

// holder asks the pgvip hold that runs with this configuration; nil when none does.
func holder(ctx context.Context, c *config.Config) *running {
	var r running
	if err := tool.Ask(ctx, c, controlName, "status", nil, &r); err != nil {
		return nil
	}
	return &r
}
