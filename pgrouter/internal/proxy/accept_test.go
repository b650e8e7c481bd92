package proxy

import (
	"strings"
	"testing"
)

// The server reads the parameter replication as it reads any boolean: case does not matter, nor does the end of a word.
func TestReplicationThatIsOff(t *testing.T) {
	for _, value := range []string{"false", "FALSE", "f", "Fal", "off", "Off", "of", "no", "N", "0"} {
		if !isOff(value) {
			t.Errorf("%q counts as replication", value)
		}
	}
	for _, value := range []string{"true", "on", "yes", "1", "database", "o", "falsely", "none", "00"} {
		if isOff(value) {
			t.Errorf("%q counts as no replication", value)
		}
	}
}

func TestTooManyNamesTheLimit(t *testing.T) {
	for reserved, want := range map[int]string{0: "num_init_children is 32.", 3: "reserved_connections keeps 3"} {
		e := tooMany(&Settings{MaxClients: 32, Reserved: reserved})
		if e.Severity != "FATAL" || e.Code != "53300" || !strings.Contains(e.Detail, want) {
			t.Errorf("%+v does not say %q", e, want)
		}
	}
}
