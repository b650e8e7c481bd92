package follow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/conninfo"
	"github.com/pgcrew/pgcrew/pgrecover/internal/upstream"
)

// Settings are those that make a server a standby of a certain server.
type Settings struct {
	PrimaryConnInfo string
	RestoreCommand  string
	SlotName        string
	TargetTimeline  string
}

// A setting is one of Settings, as the server names it.
type setting struct{ name, value string }

func (s Settings) list() []setting {
	return []setting{
		{"primary_conninfo", s.PrimaryConnInfo},
		{"restore_command", s.RestoreCommand},
		{"primary_slot_name", s.SlotName},
		{"recovery_target_timeline", s.TargetTimeline},
	}
}

// settingsOf reads them.
func settingsOf(get func(name string) (string, error)) (s Settings, err error) {
	for _, p := range []struct {
		name string
		to   *string
	}{
		{"primary_conninfo", &s.PrimaryConnInfo},
		{"restore_command", &s.RestoreCommand},
		{"primary_slot_name", &s.SlotName},
		{"recovery_target_timeline", &s.TargetTimeline},
	} {
		if *p.to, err = get(p.name); err != nil {
			return s, fmt.Errorf("read %s: %w", p.name, err)
		}
	}
	return s, nil
}

// plan is what the step settings says.
type plan struct {
	PrimaryConnInfo string `json:"primary_conninfo"` // without passwords
	SlotName        string `json:"primary_slot_name,omitempty"`
	RestoreCommand  string `json:"restore_command,omitempty"`
	Dropped         string `json:"dropped_restore_command,omitempty"` // it reaches for a host that may be dead
}

// want says what the settings are to be, from what they are and what they were before the standby was cut off.
func (f *Follow) want(ctx context.Context, now Settings, m *server) (want Settings, err error) {
	err = f.Journal.Do(step.Step{Step: "plan", Node: &f.Node.ID}, func(st *step.Step) error {
		before := upstream.Upstream{PrimaryConnInfo: now.PrimaryConnInfo, RestoreCommand: now.RestoreCommand}
		if now.PrimaryConnInfo == "" {
			old, err := f.Before(ctx)
			if err != nil {
				return err
			}
			before.PrimaryConnInfo = old.PrimaryConnInfo
			if before.RestoreCommand == "" {
				before.RestoreCommand = old.RestoreCommand
			}
		}
		old, err := conninfo.Parse(before.PrimaryConnInfo)
		if err != nil {
			return fmt.Errorf("the primary_conninfo of node %d: %w", f.Node.ID, err)
		}
		if old.Get("user") == "" && len(old.Only("service")) == 0 {
			old = f.fresh(old)
		}
		info := old.To(f.To.Host, f.To.Port)
		want = Settings{PrimaryConnInfo: info.String(), RestoreCommand: before.RestoreCommand, SlotName: now.SlotName, TargetTimeline: "latest"}
		if want.SlotName == "" && m.Settings.SlotName != "" {
			want.SlotName = f.slotName()
		}
		detail := plan{PrimaryConnInfo: info.Redacted(), SlotName: want.SlotName, RestoreCommand: want.RestoreCommand}
		if f.forbidden(want.RestoreCommand, old.Get("host")) {
			detail.Dropped, detail.RestoreCommand, want.RestoreCommand = want.RestoreCommand, "", ""
		}
		st.Detail = detail
		return nil
	})
	return want, err
}

// fresh completes a connection that names no user: that of recovery_user.
func (f *Follow) fresh(c conninfo.Conninfo) conninfo.Conninfo {
	c = c.With("user", f.Node.User)
	if f.Node.Password != "" {
		c = c.With("password", f.Node.Password)
	}
	if c.Get("application_name") == "" {
		name := f.Node.ApplicationName
		if name == "" {
			name = f.Node.Host
		}
		c = c.With("application_name", name)
	}
	return c
}

// forbidden tells whether a restore_command reaches for another server of the cluster than the one to follow, or for the
// one that was followed. It would hang, or bring WAL of a history that is over.
func (f *Follow) forbidden(command, oldHosts string) bool {
	hosts := strings.Split(oldHosts, ",")
	for _, s := range f.Cluster {
		hosts = append(hosts, s.Host)
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		return host != f.To.Host && host != f.Node.Host && upstream.Names(command, host)
	})
}

// slotName names the slot of a standby that had none, in a cluster whose standbys have: after its host, and its port when
// it is not alone there.
func (f *Follow) slotName() string {
	name := f.Node.Host
	if slices.ContainsFunc(f.Cluster, func(s backend.Server) bool { return s.ID != f.Node.ID && s.Host == f.Node.Host }) {
		name = fmt.Sprintf("%s_%d", name, f.Node.Port)
	}
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
	const longest = 63 // NAMEDATALEN - 1
	return name[:min(len(name), longest)]
}
