package pcppass

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".pcppass", "# no comment\nlocalhost:9898:pgpool:local\n/other:9898:pgpool:socket\nh\\:1:*:a\\\\b:x\\:y\n*:1:*:any\n*:1:pgpool:late\n", 0o600)
	other := write("other", "*:*:*:other", 0o600)
	open := write("open", "*:*:*:open\n", 0o640)
	sockets := []string{"/run/one", "/tmp"}
	for name, c := range map[string]struct {
		variable string
		where    Where
		password string
		ok       bool
		warning  string
	}{
		"no host":                    {"", Where{"", sockets, 9898, "pgpool"}, "local", true, ""},
		"a default folder":           {"", Where{"/tmp", sockets, 9898, "pgpool"}, "local", true, ""},
		"another folder":             {"", Where{"/other", sockets, 9898, "pgpool"}, "socket", true, ""},
		"localhost":                  {"", Where{"localhost", sockets, 9898, "pgpool"}, "local", true, ""},
		"its number":                 {"", Where{"127.0.0.1", sockets, 9898, "pgpool"}, "", false, ""},
		"escaped":                    {"", Where{"h:1", sockets, 5, `a\b`}, "x:y", true, ""},
		"the first line counts":      {"", Where{"h", sockets, 1, "pgpool"}, "any", true, ""},
		"another user":               {"", Where{"", sockets, 9898, "nobody"}, "", false, ""},
		"PCPPASSFILE":                {other, Where{"", sockets, 9898, "nobody"}, "other", true, ""},
		"others may read it":         {open, Where{"", sockets, 9898, "nobody"}, "", false, "chmod 0600"},
		"not a plain file":           {home, Where{"", sockets, 9898, "nobody"}, "", false, "not a plain file"},
		"PCPPASSFILE without a file": {home + "/none", Where{"", sockets, 9898, "pgpool"}, "", false, ""},
	} {
		f, err := Find(func(string) string { return c.variable }, home, c.where)
		if err != nil || f.Password != c.password || f.OK != c.ok {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		if got := strings.Join(f.Warnings, "\n"); (got == "") != (c.warning == "") || !strings.Contains(got, c.warning) {
			t.Errorf("%s: the warning is %q", name, got)
		}
	}
	if f, err := Find(func(string) string { return "" }, "", Where{}); err != nil || f.OK || f.Path != "" {
		t.Errorf("without a home: %+v, %v", f, err)
	}
}
