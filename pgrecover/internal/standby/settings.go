// Package standby is what makes a server a standby of a certain one: its settings, what they are to be, and how files say so.
package standby

import (
	"fmt"

	"github.com/pgcrew/pgcrew/common/postmaster"
)

// Settings are those that make a server a standby of a certain server.
type Settings struct {
	PrimaryConnInfo string
	RestoreCommand  string
	SlotName        string
	TargetTimeline  string
}

// List are all of them, as the server names them, in an order of their own.
func (s Settings) List() []postmaster.Setting {
	return []postmaster.Setting{
		{Name: "primary_conninfo", Value: s.PrimaryConnInfo},
		{Name: "restore_command", Value: s.RestoreCommand},
		{Name: "primary_slot_name", Value: s.SlotName},
		{Name: "recovery_target_timeline", Value: s.TargetTimeline},
	}
}

// Read asks for them by their names.
func Read(get func(name string) (string, error)) (s Settings, err error) {
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

// AutoConf puts the settings into the text of a postgresql.auto.conf.
func (s Settings) AutoConf(text string) string { return postmaster.AutoConf(text, s.List()) }

// recoveryConf is the text of a recovery.conf, which PostgreSQL 10 and 11 read instead. An empty value is an error there.
func (s Settings) recoveryConf() string {
	text := "standby_mode = 'on'\n"
	for _, o := range s.List() {
		if o.Value != "" {
			text += o.String() + "\n"
		}
	}
	return text
}
