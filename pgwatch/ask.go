package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/node"
)

// limit is how long a request may take unless the command says otherwise.
const limit = 15 * time.Second

// ask has the pgwatch that runs here carry out an operation. The pgwatch that leads does it. within is how long that may take;
// 0 is without limit.
func ask(ctx context.Context, t *tool.Tool, within time.Duration, op string, args, result any) error {
	c, err := t.Config()
	if err != nil {
		return err
	}
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	return wonder(tool.Ask(ctx, c, node.SocketName, op, args, result))
}

// wonder adds to an error that is no answer what may be the reason.
func wonder(err error) error {
	var said *control.Error
	if err == nil || errors.As(err, &said) {
		return err
	}
	return fmt.Errorf("%w (does pgwatch run with this configuration?)", err)
}

// followCmd prints events.
type followCmd struct {
	Types []string `arg:"" optional:"" help:"Patterns of the types that are wanted, such as vip.* or failover; all when none is given."`
}

// Run copies the stream until it ends or ctx does.
func (cmd followCmd) Run(ctx context.Context, t *tool.Tool) error {
	c, err := t.Config()
	if err != nil {
		return err
	}
	var stream io.ReadCloser
	err = tool.Find(c, node.SocketName, func(path string) (err error) {
		stream, err = control.Follow(ctx, path, node.OpFollow, node.FollowArgs{Types: cmd.Types})
		return err
	})
	if err != nil {
		return wonder(err)
	}
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	if _, err = io.Copy(t.Out, stream); ctx.Err() != nil {
		return nil
	}
	return err
}

// switchoverCmd changes the primary in order.
type switchoverCmd struct {
	To      int           `help:"Number of the backend that is to be the primary; the best standby when it is not given." default:"-1" placeholder:"N"`
	Timeout time.Duration `help:"How long to wait for the end." default:"60s"`
}

// Run returns when the new primary takes writes.
func (cmd switchoverCmd) Run(ctx context.Context, t *tool.Tool) error {
	return change(ctx, t, cmd.Timeout, node.OpSwitchover, node.ChangeArgs{To: cmd.To})
}

// failoverCmd declares the primary lost.
type failoverCmd struct {
	To            int           `help:"Number of the backend that is to be the primary; the most advanced when it is not given." default:"-1" placeholder:"N"`
	AllowDataLoss bool          `help:"Also promote a standby that lacks acknowledged changes."`
	Timeout       time.Duration `help:"How long to wait for the end." default:"60s"`
}

// Run returns when the new primary takes writes.
func (cmd failoverCmd) Run(ctx context.Context, t *tool.Tool) error {
	return change(ctx, t, cmd.Timeout, node.OpFailover, node.ChangeArgs{To: cmd.To, AllowLoss: cmd.AllowDataLoss})
}

func change(ctx context.Context, t *tool.Tool, within time.Duration, op string, args node.ChangeArgs) error {
	var done node.Changed
	if err := ask(ctx, t, within, op, args, &done); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "backend %d is the primary, epoch %d\n", done.Primary, done.Epoch)
	return nil
}

// attachCmd ends a detachment.
type attachCmd struct {
	Backend int `arg:"" help:"Number of the backend."`
}

// Run asks for it.
func (cmd attachCmd) Run(ctx context.Context, t *tool.Tool) error {
	return ask(ctx, t, limit, node.OpAttach, node.BackendArgs{Node: cmd.Backend}, nil)
}

// detachCmd takes a server out.
type detachCmd struct {
	Backend  int           `arg:"" help:"Number of the backend."`
	Reason   string        `help:"For those who wonder later."`
	Graceful bool          `short:"g" help:"Wait until no session uses it, at most recovery_timeout."`
	Timeout  time.Duration `help:"How long to wait for the end." default:"180s"`
}

// Run asks for it. Of the primary, it returns when another one takes writes.
func (cmd detachCmd) Run(ctx context.Context, t *tool.Tool) error {
	return ask(ctx, t, cmd.Timeout, node.OpDetach, node.DetachArgs{Node: cmd.Backend, Reason: cmd.Reason, Graceful: cmd.Graceful}, nil)
}

// recoverCmd makes a server a standby.
type recoverCmd struct {
	Backend int           `arg:"" help:"Number of the backend."`
	Method  string        `help:"auto, follow, rewind, backup or script; auto is the cheapest that is possible, or the script when recovery_1st_stage_command is set." enum:"auto,follow,rewind,backup,script" default:"auto"`
	Timeout time.Duration `help:"How long to wait for the end; it goes on after that. 0 is without limit." default:"0s"`
}

// Run returns when the server follows the primary and is attached.
func (cmd recoverCmd) Run(ctx context.Context, t *tool.Tool) error {
	var done node.Recovered
	if err := ask(ctx, t, cmd.Timeout, node.OpRecover, node.RecoverArgs{Node: cmd.Backend, Method: cmd.Method}, &done); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "backend %d follows backend %d and is attached; method %s, %d bytes\n", done.Node, done.Primary, done.Method, done.Bytes)
	return nil
}

// pauseCmd leaves decisions to people.
type pauseCmd struct{}

// Run asks for it.
func (pauseCmd) Run(ctx context.Context, t *tool.Tool) error {
	return ask(ctx, t, limit, node.OpPause, nil, nil)
}

// resumeCmd ends a pause.
type resumeCmd struct{}

// Run asks for it.
func (resumeCmd) Run(ctx context.Context, t *tool.Tool) error {
	return ask(ctx, t, limit, node.OpResume, nil, nil)
}

// voterCmd changes who votes.
type voterCmd struct {
	Remove voterRemoveCmd `cmd:"" help:"A node has no vote any more. It gets one again when it comes back."`
}

type voterRemoveCmd struct {
	Node int `arg:"" help:"Number of the node (pgpool_node_id)."`
}

// Run asks for it.
func (cmd voterRemoveCmd) Run(ctx context.Context, t *tool.Tool) error {
	return ask(ctx, t, limit, node.OpVoterRemove, node.VoterArgs{Node: cmd.Node}, nil)
}

// forceQuorumCmd goes on without a majority.
type forceQuorumCmd struct {
	IAcceptDataLoss bool `help:"The others are dead for good, and will not come back with what only they have." required:""`
}

// Run asks for it.
func (forceQuorumCmd) Run(ctx context.Context, t *tool.Tool) error {
	return ask(ctx, t, limit, node.OpForceQuorum, nil, nil)
}
