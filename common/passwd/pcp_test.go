package passwd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPCP(t *testing.T) {
	right, err := ParsePCP("pcp.conf", []byte("# users\n\npgpool\n:e8a48653851e28c69d0506508fb27fc5\nx:postgres\ny:e8a4\nz:e8a48653851e28c69d0506508fb27fc5\n"))
	want := `pcp.conf:3: no colon between user and password
pcp.conf:4: no user before the colon
pcp.conf:5: user "x": the password is not an md5 sum of 32 hexadecimal digits, as pg_md5 prints it
pcp.conf:6: user "y": the password is not an md5 sum of 32 hexadecimal digits, as pg_md5 prints it`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwanted\n%s", err, want)
	}
	if right.Len() != 1 || len(right.Lookup("z")) != 1 {
		t.Errorf("of the right line there is %v", right)
	}
	p, err := ParsePCP("pcp.conf", []byte("#x:y\npgpool:E8A48653851E28C69D0506508FB27FC5 \npgpool:00000000000000000000000000000000"))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Lookup("pgpool"); !slices.Equal(got, []string{HashPCP("postgres"), "00000000000000000000000000000000"}) {
		t.Errorf("pgpool has %q", got)
	}
	if got := p.Lookup("#x"); got != nil || p.Len() != 1 {
		t.Errorf("a comment is a user: %q", got)
	}
	var none *PCP
	if none.Len() != 0 || none.Lookup("pgpool") != nil {
		t.Error("no file has users")
	}
}

func TestPass(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pg, warnings, err := LoadPgpass(write("pgpass",
		"#*:*:*:*:comment\ntoo:short\nhost:5432:db:alice:a\\:b\n\\*:5432:*:bob:star\n\\:\\:1:*:*:*:six\n*:*:*:bob:any:more\n", 0o600))
	if err != nil || warnings != nil {
		t.Fatal(warnings, err)
	}
	for _, c := range [][5]string{
		{"host", "5432", "db", "alice", "a:b"},
		{"host", "5433", "db", "alice", ""},
		{"*", "5432", "db", "bob", "star"},
		{"host", "5432", "db", "bob", "any"},
		{"::1", "1", "2", "3", "six"},
		{"", "", "", "", ""},
	} {
		if got, _ := pg.Lookup(c[:4]...); got != c[4] {
			t.Errorf("%v: %q", c, got)
		}
	}
	pcp, _, err := LoadPcppass(write("pcppass", "#*:*:*:pw\nlocalhost:9898:pgpool:secret\n", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := pcp.Lookup("localhost", "9898", "pgpool"); got != "secret" {
		t.Errorf("pcppass: %q", got)
	}
	open, warnings, err := LoadPgpass(write("open", "*:*:*:*:x", 0o640))
	if _, ok := open.Lookup("a", "b", "c", "d"); err != nil || len(warnings) != 1 || ok {
		t.Errorf("a file that the group may read: %v, %v, used %v", warnings, err, ok)
	}
	if _, warnings, err := LoadPgpass(dir); err != nil || len(warnings) != 1 {
		t.Errorf("a folder: %v, %v", warnings, err)
	}
	if none, warnings, err := LoadPgpass(filepath.Join(dir, "none")); err != nil || warnings != nil || none == nil {
		t.Errorf("no file: %v, %v", warnings, err)
	}
}

func FuzzPass(f *testing.F) {
	f.Add("a:b:c:d:e\n\\*:*:*:*:\\")
	f.Fuzz(func(t *testing.T, text string) {
		p := parsePass([]byte(text), pgpassFields, true)
		for _, e := range p.entries {
			if len(e) != pgpassFields+1 {
				t.Fatalf("entry %q", e)
			}
			values := make([]string, pgpassFields)
			for i := range values {
				values[i] = unescape(e[i])
			}
			if _, ok := p.Lookup(values...); !ok {
				t.Fatalf("entry %q does not match itself", e)
			}
		}
	})
}

func FuzzParsePCP(f *testing.F) {
	f.Add("pgpool:e8a48653851e28c69d0506508fb27fc5\n#x\n:")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePCP("f", []byte(text))
		if err != nil {
			return
		}
		for user, all := range p.users {
			for _, hash := range all {
				if user == "" || len(hash) != 32 || hash != strings.ToLower(hash) {
					t.Fatalf("%q:%q", user, hash)
				}
			}
		}
	})
}
