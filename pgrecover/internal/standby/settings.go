// Package standby is what makes a server a standby of a certain one: its settings, what they are to be, and how files say so.
package standby

import (
	"fmt"
	"strings"
)

// Settings are those that make a server a standby of a certain server.
type Settings struct {
	PrimaryConnInfo string
	RestoreCommand  string
	SlotName        string
	TargetTimeline  string
}

// A Setting is one of Settings, as the server names it.
type Setting struct{ Name, Value string }

// List are all of them, in an order of their own.
func (s Settings) List() []Setting {
	return []Setting{
		{"primary_conninfo", s.PrimaryConnInfo},
		{"restore_command", s.RestoreCommand},
		{"primary_slot_name", s.SlotName},
		{"recovery_target_timeline", s.TargetTimeline},
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

// AutoConf takes the settings out of the text of a postgresql.auto.conf and puts them at its end, where they win over what
// it includes.
func (s Settings) AutoConf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), "=")
		name = strings.ToLower(strings.TrimSpace(name))
		name, _, _ = strings.Cut(name, " ") // the = may be left out
		ours := false
		for _, o := range s.List() {
			ours = ours || o.Name == name
		}
		if !ours {
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	b.WriteString(s.lines())
	return b.String()
}

// lines writes the settings as a configuration file has them.
func (s Settings) lines() string {
	var b strings.Builder
	for _, o := range s.List() {
		fmt.Fprintf(&b, "%s = '%s'\n", o.Name, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(o.Value))
	}
	return b.String()
}

// recoveryConf is the text of a recovery.conf, which PostgreSQL 10 and 11 read instead. An empty value is an error there.
func (s Settings) recoveryConf() string {
	text := "standby_mode = 'on'\n"
	for line := range strings.Lines(s.lines()) {
		if !strings.HasSuffix(line, " = ''\n") {
			text += line
		}
	}
	return text
}
