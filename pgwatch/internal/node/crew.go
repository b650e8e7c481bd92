package node

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// newCrew makes the authority of a node: raft among the nodes of the configuration, which may be this one alone.
func newCrew(s *Settings, dir string, log *slog.Logger, plan func(authority.Situation) authority.Plan, answer func(ctx context.Context, body []byte) []byte) (Crew, error) {
	c := s.Config
	listen := s.Listen
	if listen == "" {
		listen = "127.0.0.1:0" // nobody will come
	}
	return authority.Open(authority.Options{
		Config: authority.Config{
			Self:     s.Self,
			Nodes:    s.Members,
			Half:     c.Bool("enable_consensus_with_half_votes"),
			Arbiters: len(c.List("trusted_servers")) > 0 || len(c.List("wd_monitoring_interfaces_list")) > 0,
			Lease:    leaseTime,
			Plan:     plan,
		},
		Dir:    filepath.Join(dir, "log"),
		Key:    c.String("wd_authkey"),
		Listen: listen,
		Log:    log,
		Answer: func(ctx context.Context, _ clustermap.NodeID, body []byte) []byte { return answer(ctx, body) },
	})
}
