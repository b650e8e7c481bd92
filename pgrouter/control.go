package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// controlName is the file name of the control socket.
const controlName = "pgrouter.sock"

// serveControl answers pgrouter status, until Close.
func serveControl(ctx context.Context, c *config.Config, r *proxy.Router, log *slog.Logger) (*control.Server, error) {
	s, err := control.Listen(filepath.Join(tool.RunDirectory(c), controlName), 0o660)
	if err != nil {
		return nil, err
	}
	go func() {
		err := s.Serve(ctx, func(ctx context.Context, from control.Peer, q control.Request) (any, error) {
			if q.Op != "status" {
				return nil, control.Unknown(q.Op)
			}
			return r.Status(ctx), nil
		})
		if err != nil {
			log.Error("the control socket is closed", "err", err)
		}
	}()
	return s, nil
}
