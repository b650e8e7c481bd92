package config

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/sample.conf anew")

// Every entry of the table is complete, and its parts agree.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	form := regexp.MustCompile(`^[a-z][a-z0-9_]*[a-z]$`)
	for _, p := range Params() {
		wrong := func(format string, args ...any) { t.Helper(); t.Errorf(p.Name+": "+format, args...) }
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if names[name] {
				wrong("%s stands in the table twice", name)
			}
			names[name] = true
			if !form.MatchString(name) {
				wrong("%s is no name for a parameter", name)
			}
		}
		if p.Help == "" || strings.HasSuffix(p.Help, ".") {
			wrong("help %q", p.Help)
		}
		if (p.Unit != None) != (p.Kind == Duration || p.Kind == Bytes) {
			wrong("unit %d does not fit its kind", p.Unit)
		}
		if p.State == Ignored && p.Instead == "" && p.Under == "" && p.Odd == nil || p.State != Ignored && (p.Instead != "" && !p.byPgpool() || p.Under != "") {
			wrong("an ignored parameter says what happens instead, and no other does but those that pgpool alone obeys")
		}
		if under := byName[p.Under]; p.Under != "" && (under == nil || under.Instead == "" && under.Odd == nil) {
			wrong("%s gives no warning", p.Under)
		}
		if p.Kind == Enum && p.Values == nil || len(p.Numbers) > 0 && len(p.Numbers) != len(p.Values) {
			wrong("values %v, numbers %v", p.Values, p.Numbers)
		}
		if p.State == Done && p.Tools == 0 {
			wrong("it is done by no tool")
		}
		for value := range p.Odd {
			if _, f := p.read(value); f != nil {
				wrong("odd value %s is refused", value)
			}
		}
		for value := range p.Missing {
			if _, f := p.read(value); f == nil {
				wrong("missing value %s is taken", value)
			}
		}
		if strings.Contains(p.Name, "password") && p.Kind == Text && !p.Secret {
			wrong("a password is a secret")
		}
	}
	for name := range retired {
		if names[name] {
			t.Errorf("%s is retired, and in the table", name)
		}
	}
}

// The sample is what it was, every line of it is commented out, and without the # it gives the
// defaults.
func TestSample(t *testing.T) {
	got := Sample()
	if *update {
		if err := os.WriteFile("testdata/sample.conf", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/sample.conf")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the sample has changed; look at it after go test -run TestSample -update")
	}

	c, err := Parse("sample", got)
	if err != nil || len(c.values) != 0 {
		t.Errorf("as it is, the sample sets %v (%v)", c, err)
	}
	c, err = Parse("sample", regexp.MustCompile(`(?m)^#(\w)`).ReplaceAll(got, []byte("$1")))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("the defaults give warnings: %v", w)
	}
	for k, v := range c.values {
		if !sameValue(v, defaults[k.name]) {
			t.Errorf("%s = %s is not the default", k, v.text)
		}
	}
	for _, p := range Params() {
		node := -1
		if p.Suffix == NeedsSuffix {
			node = 0
		}
		if _, ok := c.values[key{p.Name, node}]; ok != (p.State != Ignored) {
			t.Errorf("%s in the sample: %v", p.Name, ok)
		}
	}
}

func TestGettersPanic(t *testing.T) {
	c := Default()
	for name, get := range map[string]func(){
		"unknown":        func() { c.Int("no_such_thing") },
		"alias":          func() { c.List("socket_dir") },
		"kind":           func() { c.Int("ssl") },
		"needs a node":   func() { c.Int("backend_port") },
		"takes no node":  func() { c.IntAt("port", 0) },
		"redirects kind": func() { c.Redirects("port") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			get()
		})
	}
}
