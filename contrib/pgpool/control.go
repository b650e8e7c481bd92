package main

import (
	"context"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/crew"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/part"
)

// socketName is the file name of the control socket.
const socketName = "pgpool.sock"

// stopArgs are the arguments of the operation stop, here and of pgrouter.
type stopArgs struct {
	Mode string `json:"mode"`
}

// status is the answer to the operation of that name.
type status struct {
	Version string       `json:"version"`
	Config  string       `json:"config"`
	Started time.Time    `json:"started"`
	LogFile string       `json:"log_file,omitempty"`
	Parts   []part.State `json:"parts"`
}

// handle answers on the control socket. Who may open it is of the group of the user that runs the crew.
func (s *supervisor) handle(_ context.Context, _ control.Peer, r control.Request) (any, error) {
	switch r.Op {
	case "status":
		return status{Version: tool.Version(), Config: s.config.Path(), Started: s.started, LogFile: s.logs.File(), Parts: s.crew.States()}, nil
	case "stop":
		var args stopArgs
		if err := r.Bind(&args); err != nil {
			return nil, err
		}
		mode, err := crew.ParseMode(args.Mode)
		if err != nil {
			return nil, &control.Error{Code: control.CodeBadRequest, Msg: err.Error()}
		}
		s.order(mode) // the end is not waited for: the asker may be a part
		return nil, nil
	case "reload":
		return nil, s.reload()
	case "rotate":
		return nil, s.logs.Rotate()
	}
	return nil, control.Unknown(r.Op)
}
