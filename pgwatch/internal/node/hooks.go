package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/hook"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// How long configured commands may take. Pgpool-II waits for them without limit.
const (
	failoverHookLimit   = time.Minute
	followHookLimit     = time.Hour // it may copy a whole server
	escalationHookLimit = 30 * time.Second
)

// runHook runs the command that an order names.
func runHook(ctx context.Context, c *config.Config, log *slog.Logger, o report.Order) error {
	text := c.String(o.Hook)
	if text == "" {
		return fmt.Errorf("%s is not set on this node", o.Hook)
	}
	limit := failoverHookLimit
	if o.Hook == "follow_primary_command" {
		limit = followHookLimit
	}
	request, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return hook.Command{
		Name:  o.Hook,
		Text:  hook.Expand(text, o.Vars),
		Env:   append(os.Environ(), fmt.Sprintf("PGC_EPOCH=%d", o.Epoch)),
		Stdin: append(request, '\n'),
		Limit: limit,
	}.Run(ctx, log)
}

// escalate runs wd_escalation_command when this node begins to lead, and wd_de_escalation_command when it ceases to. Its result
// decides nothing.
func escalate(ctx context.Context, c *config.Config, log *slog.Logger, leading bool) {
	name := "wd_de_escalation_command"
	if leading {
		name = "wd_escalation_command"
	}
	text := c.String(name)
	if text == "" {
		return
	}
	err := hook.Command{Name: name, Text: hook.Expand(text, nil), Env: os.Environ(), Limit: escalationHookLimit}.Run(ctx, log)
	if err != nil {
		log.Warn("a command of the configuration failed; the address is taken by pgvip all the same", "err", err)
	}
}
