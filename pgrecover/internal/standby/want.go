package standby

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/pgrecover/internal/conninfo"
	"github.com/pgcrew/pgcrew/pgrecover/internal/upstream"
)

// A Pair is a server that is to be a standby, and the primary.
type Pair struct {
	Node, To backend.Server
	Cluster  []backend.Server // all of the configuration
}

// A Choice is what the settings are to be. Its JSON is the detail of the step that made it.
type Choice struct {
	Settings        Settings `json:"-"`
	PrimaryConnInfo string   `json:"primary_conninfo"` // without passwords
	SlotName        string   `json:"primary_slot_name,omitempty"`
	RestoreCommand  string   `json:"restore_command,omitempty"`
	Dropped         string   `json:"dropped_restore_command,omitempty"` // it reaches for a host that may be dead
}

// Want says what the settings are to be, from what they are. slot is whether it is to have a slot when
// it had none.
func (p Pair) Want(now Settings, slot bool) (Choice, error) {
	old, err := conninfo.Parse(now.PrimaryConnInfo)
	if err != nil {
		return Choice{}, fmt.Errorf("the primary_conninfo of node %d: %w", p.Node.ID, err)
	}
	if old.Get("user") == "" && len(old.Only("service")) == 0 {
		old = p.fresh(old)
	}
	info := old.To(p.To.Host, p.To.Port)
	c := Choice{Settings: Settings{PrimaryConnInfo: info.String(), RestoreCommand: now.RestoreCommand, SlotName: now.SlotName, TargetTimeline: "latest"}}
	if c.Settings.SlotName == "" && slot {
		c.Settings.SlotName = p.SlotName()
	}
	if p.forbidden(now.RestoreCommand, old.Get("host")) {
		c.Dropped, c.Settings.RestoreCommand = now.RestoreCommand, ""
	}
	c.PrimaryConnInfo, c.SlotName, c.RestoreCommand = info.Redacted(), c.Settings.SlotName, c.Settings.RestoreCommand
	return c, nil
}

// fresh completes a connection that names no user: that of recovery_user.
func (p Pair) fresh(c conninfo.Conninfo) conninfo.Conninfo {
	c = c.With("user", p.Node.User)
	if p.Node.Password != "" {
		c = c.With("password", p.Node.Password)
	}
	if c.Get("application_name") == "" {
		name := p.Node.ApplicationName
		if name == "" {
			name = p.Node.Host
		}
		c = c.With("application_name", name)
	}
	return c
}

// forbidden tells whether a restore_command reaches for another server of the cluster than the one to follow, or for the
// one that was followed. It would hang, or bring WAL of a history that is over.
func (p Pair) forbidden(command, oldHosts string) bool {
	hosts := strings.Split(oldHosts, ",")
	for _, s := range p.Cluster {
		hosts = append(hosts, s.Host)
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return host != p.To.Host && host != p.Node.Host && upstream.Names(command, host)
	})
}
