package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestNodes(t *testing.T) {
	c, err := Parse("f", []byte("hostname0 = 'a'\nwd_port0 = 9000\npgpool_port0 = 9999\nheartbeat_port0 = 9694\n"+
		"hostname2 = 'c'\nwd_port2 = 9001\nheartbeat_hostname2 = 'h'\nhostname3 = 'without a port'\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Node{{0, "a", 9000, 9999, "a", 9694}, {2, "c", 9001, 0, "h", 0}}
	if got := c.Nodes(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestReadNodeID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgpool_node_id")
	if _, err := ReadNodeID(path); err == nil || !strings.Contains(err.Error(), "--node-id") {
		t.Errorf("%v", err)
	}
	for text, ok := range map[string]bool{"1\n": true, " 0": true, "": false, "x": false, "-1": false, "128": false} {
		os.WriteFile(path, []byte(text), 0o600)
		if _, err := ReadNodeID(path); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
