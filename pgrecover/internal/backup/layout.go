package backup

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// A layout is where the parts of the node's data are, and where those of the copy go until they take their places.
type layout struct {
	moves []move
	spare []dir             // to be removed in the end, whatever that is
	maps  []mapping         // of tablespaces
	wal   dir               // where pg_wal leads; "" when it is in the data directory
	links map[string]string // of the new copy's pg_tblspc: OID to the place where it will be
}

// A mapping is where pg_basebackup puts a tablespace.
type mapping struct {
	where dir // on the primary
	put   dir
	size  uint64
}

// readLayout refuses what cannot be replaced by renaming, and what is not the node's own.
func (b *Backup) readLayout(ctx context.Context) (l layout, err error) {
	if err := b.placed(ctx); err != nil {
		return l, err
	}
	l.moves = []move{b.beside(b.Data)}
	if err := b.walLayout(ctx, &l); err != nil {
		return l, err
	}
	if err := b.spaceLayout(ctx, &l); err != nil {
		return l, err
	}
	for _, m := range l.moves {
		if strings.ContainsAny(m.Live, "\n\t") {
			return l, refuse("give it another name", "%s: %q has a line break in its name", b.Host.Name(), m.Live)
		}
		for _, d := range []dir{m.New, m.Old} {
			there, err := host.Exists(ctx, b.Host, d)
			if err != nil {
				return l, err
			}
			if d != "" && there {
				return l, refuse("look what it is, and move it away or remove it", "there is a %s on %s, which no run of pgrecover is known to use", d, b.Host.Name())
			}
		}
	}
	return l, nil
}

func (b *Backup) beside(d dir) move { return move{Live: d, New: d + newSuffix, Old: d + oldSuffix} }

// placed refuses a data directory that is a mount point: it has no other name.
func (b *Backup) placed(ctx context.Context) error {
	there, err := host.Exists(ctx, b.Host, b.Data)
	if err != nil || !there {
		return err
	}
	at, err := host.Free(ctx, b.Host, b.Data)
	if err != nil {
		return err
	}
	above, err := host.Free(ctx, b.Host, path.Dir(b.Data))
	if err != nil {
		return err
	}
	if at.Mount != above.Mount {
		return refuse("mount its file system one level higher, or use --method rewind or script",
			"%s on %s is a mount point, and cannot be replaced by renaming", b.Data, b.Host.Name())
	}
	return nil
}

// walLayout finds a pg_wal that leads elsewhere.
func (b *Backup) walLayout(ctx context.Context, l *layout) error {
	links, err := host.Links(ctx, b.Host, b.Data)
	if err != nil || links["pg_wal"] == "" {
		return err
	}
	if l.wal, err = host.RealPath(ctx, b.Host, path.Join(b.Data, "pg_wal")); err == nil {
		l.moves = append(l.moves, b.beside(l.wal))
	}
	return err
}

// spaceLayout finds for each tablespace of the primary where it is to be: where the node had it, else where the primary has
// it. Within it only the folder of this version is replaced, so that it may be a mount point. What the node has of
// tablespaces that the primary has not goes with its old data.
func (b *Backup) spaceLayout(ctx context.Context, l *layout) error {
	own, err := host.Links(ctx, b.Host, path.Join(b.Data, "pg_tblspc"))
	if err != nil {
		return err
	}
	l.links = make(map[string]string)
	for _, t := range b.source.spaces {
		at := own[t.id]
		if at == "" {
			at = t.where
		}
		at = path.Clean(at)
		l.links[t.id] = at
		put := path.Join(at, "pgrecover-new-"+t.id)
		l.spare = append(l.spare, put)
		l.maps = append(l.maps, mapping{t.where, put, t.size})
		m := move{Live: path.Join(at, b.source.catalog), New: path.Join(put, b.source.catalog), Old: path.Join(at, b.source.catalog) + oldSuffix}
		if own[t.id] == "" {
			if err := b.foreign(ctx, m.Live); err != nil {
				return err
			}
		}
		l.moves = append(l.moves, m)
	}
	for id, at := range own {
		if l.links[id] == "" && strings.HasPrefix(at, "/") {
			live := path.Join(at, b.source.catalog)
			l.moves = append(l.moves, move{Live: live, Old: live + oldSuffix})
		}
	}
	slices.SortFunc(l.moves[1:], func(a, b move) int { return strings.Compare(a.Live, b.Live) })
	return nil
}

// foreign refuses a tablespace that is there and is not known to be the node's.
func (b *Backup) foreign(ctx context.Context, live dir) error {
	there, err := host.Exists(ctx, b.Host, live)
	if err != nil || !there {
		return err
	}
	return refuse("remove it if it is not in use, or put a link to another place into pg_tblspc of the data directory",
		"%s on %s is in the way of a tablespace of node %d, and may be another server's", live, b.Host.Name(), b.To.ID)
}

// argument tells pg_basebackup.
func (m mapping) argument() string {
	escape := strings.NewReplacer("=", `\=`)
	return fmt.Sprintf("--tablespace-mapping=%s=%s", escape.Replace(m.where), escape.Replace(m.put))
}
