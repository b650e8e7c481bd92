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

// Names are their names, in the order of List.
var Names = []string{"primary_conninfo", "restore_command", "primary_slot_name", "recovery_target_timeline"}

// Read asks for them by their names.
func Read(get func(name string) (string, error)) (Settings, error) {
	values := make([]string, len(Names))
	for i, name := range Names {
		var err error
		if values[i], err = get(name); err != nil {
			return Settings{}, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return Of(values), nil
}

// Of are those with these values, in the order of Names.
func Of(values []string) Settings {
	return Settings{PrimaryConnInfo: values[0], RestoreCommand: values[1], SlotName: values[2], TargetTimeline: values[3]}
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
