// Package upstream is what a standby got its WAL from before it was cut off.
package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An Upstream is what pgpromote's recruit step keeps of a standby.
type Upstream struct {
	PrimaryConnInfo string `json:"primary_conninfo"`
	RestoreCommand  string `json:"restore_command"`
}

// longest is the most bytes of the line.
const longest = 64 << 10

// Read reads the line of a recruit step. No line at all is an empty Upstream.
func Read(r io.Reader) (Upstream, error) {
	var step struct {
		Step   string   `json:"step"`
		Detail Upstream `json:"detail"`
	}
	err := json.NewDecoder(io.LimitReader(r, longest)).Decode(&step)
	switch {
	case errors.Is(err, io.EOF):
		return Upstream{}, nil
	case err == nil && step.Step != "recruit":
		err = fmt.Errorf("its step is %q", step.Step)
	}
	if err != nil {
		return Upstream{}, fmt.Errorf("standard input is not the line of a recruit step: %w", err)
	}
	return step.Detail, nil
}

// Names tells whether a shell command reaches for a host: whether its name stands there as a word of its own, behind an @,
// an = or //, or before a colon. A folder called like the host does not count.
func Names(command, host string) bool {
	if host == "" || strings.HasPrefix(host, "/") {
		return false
	}
	for from := 0; ; {
		at := strings.Index(command[from:], host)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(host)
		if begins(command[:at]) && ends(command[end:]) {
			return true
		}
		from = at + 1
	}
}

// begins tells whether a host may stand behind this text.
func begins(before string) bool {
	return before == "" || strings.HasSuffix(before, "//") || strings.ContainsRune(" \t\n'\"`(@=;|&[,", rune(before[len(before)-1]))
}

// ends tells whether a host may stand before this text.
func ends(after string) bool {
	return after == "" || strings.ContainsRune(" \t\n'\"`):;|&/],", rune(after[0]))
}
