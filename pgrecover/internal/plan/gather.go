package plan

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// A Question is which node is to be looked at, and from where.
type Question struct {
	Host     host.Host // where its files are; nil when it cannot be reached
	NoHost   error     // why Host is nil
	Node, To backend.Server
	Cluster  []backend.Server // all of the configuration
	Copy     bool             // it will be a new copy: what only a rewind has to know is not looked for
}

// Gather looks at the node and at the primary, and changes nothing. The error is that of the primary when it cannot be
// asked; a node that cannot be asked is a fact.
func Gather(ctx context.Context, q Question) (Facts, error) {
	f := Facts{Node: q.Node.ID, To: q.To.ID}
	m, err := q.To.Connect(ctx)
	if err != nil {
		return f, err
	}
	defer m.Close(context.WithoutCancel(ctx))
	if f.Source, err = askSource(ctx, m, q.To); err != nil {
		return f, err
	}
	n, loginErr := q.Node.Connect(ctx)
	if loginErr == nil {
		defer n.Close(context.WithoutCancel(ctx))
		if err := q.askTarget(ctx, n, &f); err != nil {
			return f, err
		}
	}
	if q.Host == nil {
		f.Target.Files, f.Target.NoHost = Unseen, fmt.Sprint(q.NoHost)
		return f, nil
	}
	if err := q.readTarget(ctx, &f); err != nil {
		return f, fmt.Errorf("node %d: %w", q.Node.ID, err)
	}
	if f.Target.Runs && !f.Target.Answers {
		f.Target.Refused = fmt.Sprintf("it runs and lets nobody in (%v)", loginErr)
	}
	return f, nil
}
