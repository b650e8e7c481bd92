package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

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
			Plan:     s.configured(plan),
		},
		Dir:    filepath.Join(dir, "log"),
		Key:    c.String("wd_authkey"),
		Listen: listen,
		Log:    log,
		Answer: func(ctx context.Context, _ clustermap.NodeID, body []byte) []byte { return answer(ctx, body) },
	})
}

// configured has the leader's configuration agreed on before anything else is planned: the cluster's name, once, and its
// backends.
func (s *Settings) configured(plan func(authority.Situation) authority.Plan) func(authority.Situation) authority.Plan {
	id := make([]byte, 8)
	rand.Read(id)
	var next time.Duration
	return func(in authority.Situation) authority.Plan {
		same := slices.EqualFunc(in.Map.Backends, s.Backends, func(a, b clustermap.Backend) bool {
			return a.ID == b.ID && a.Host == b.Host && a.Port == b.Port
		})
		out := plan(in)
		if (in.Map.Cluster == "" || !same) && in.Now >= next {
			next = in.Now + time.Second // it may be refused, and is then not asked for all the time
			c := clustermap.Command{Configure: &clustermap.Configure{Cluster: hex.EncodeToString(id), Backends: s.Backends}}
			out.Commands = append([]clustermap.Command{c}, out.Commands...)
		}
		return out
	}
}
