package backup

import (
	"context"
	"path"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// need is what a file system must have free.
type need struct {
	Needs uint64 `json:"needs"`
	Free  uint64 `json:"free"`
}

// space refuses a copy for which there is no room beside the old data.
func (b *Backup) space(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "space", Node: &b.Node.ID}, func(st *step.Step) error {
		needs := make(map[string]*need)
		add := func(at dir, size uint64) error {
			s, err := b.nearest(ctx, at)
			if err != nil {
				return err
			}
			if needs[s.Mount] == nil {
				needs[s.Mount] = &need{Free: s.Free}
			}
			needs[s.Mount].Needs += size
			return nil
		}
		st.Detail = needs
		wal := b.layout.wal
		if wal == "" {
			wal = b.Data
		}
		if err := add(path.Dir(b.Data), b.source.base); err != nil {
			return err
		}
		if err := add(path.Dir(wal), b.source.wal); err != nil {
			return err
		}
		for _, m := range b.layout.maps {
			if err := add(path.Dir(m.put), m.size); err != nil {
				return err
			}
		}
		for mount, n := range needs {
			if n.Needs > n.Free {
				return refuse("make room there, or use --method rewind or script, which need none",
					"%s on %s has %d MB free, and a copy beside the old data takes %d MB", mount, b.Host.Name(), n.Free>>20, n.Needs>>20+1)
			}
		}
		return nil
	})
}

// nearest looks at the file system on which a directory is or will be.
func (b *Backup) nearest(ctx context.Context, d dir) (host.Space, error) {
	for {
		there, err := host.Exists(ctx, b.Host, d)
		if err != nil {
			return host.Space{}, err
		}
		if there || d == "/" {
			return host.Free(ctx, b.Host, d)
		}
		d = path.Dir(d)
	}
}
