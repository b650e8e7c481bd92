package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/admin"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// controlName is the file name of the control socket.
const controlName = "pgrouter.sock"

// The operations of the control socket.
const (
	opStatus = "status"      // proxy.Status
	opShow   = "show"        // showArgs; admin.Table
	opReload = "reload"      // the files are read again before the answer, which names every problem
	opStop   = "stop"        // stopArgs; the answer comes before the end
	opRotate = "rotate"      // log files: there are none here
	opFlush  = "cache.flush" // the query cache
)

// showArgs names what SHOW shows.
type showArgs struct {
	Name string `json:"name"` // such as pool_nodes
}

// stopArgs says how to stop.
type stopArgs struct {
	Mode proxy.StopMode `json:"mode"` // "" is smart
}

// operator carries out what others ask for over the control socket.
type operator struct {
	router *proxy.Router
	reload func() error
}

// serveControl answers until Close.
func serveControl(ctx context.Context, t *tool.Tool, c *config.Config, o operator) (*control.Server, error) {
	s, err := control.Listen(filepath.Join(tool.RunDirectory(c), controlName), 0o660)
	if err != nil {
		return nil, err
	}
	go func() {
		if err := s.Serve(ctx, o.handle); err != nil {
			t.Log.Error("the control socket is closed", "err", err)
		}
	}()
	return s, nil
}

func (o operator) handle(ctx context.Context, _ control.Peer, q control.Request) (any, error) {
	switch q.Op {
	case opStatus:
		return o.router.Status(ctx), nil
	case opShow:
		var args showArgs
		if err := q.Bind(&args); err != nil {
			return nil, err
		}
		table, ok := admin.Show(ctx, o.router, args.Name)
		if !ok {
			return nil, wrong("there is no table %q to show", args.Name)
		}
		return table, nil
	case opReload:
		return nil, o.reload()
	case opStop:
		var args stopArgs
		if err := q.Bind(&args); err != nil {
			return nil, err
		}
		return nil, o.stop(args.Mode)
	case opRotate:
		return nil, nil
	case opFlush:
		return nil, &control.Error{Code: control.CodeFailed, Msg: "the query cache is off"}
	}
	return nil, control.Unknown(q.Op)
}

func (o operator) stop(m proxy.StopMode) error {
	switch m {
	case "":
		m = proxy.Smart
	case proxy.Smart, proxy.Fast, proxy.Immediate:
	default:
		return wrong("there is no way to stop called %q: write smart, fast or immediate", m)
	}
	o.router.Stop(m)
	return nil
}

func wrong(format string, values ...any) error {
	return &control.Error{Code: control.CodeBadRequest, Msg: fmt.Sprintf(format, values...)}
}
