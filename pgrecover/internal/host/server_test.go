package host

import (
	"path/filepath"
	"slices"
	"testing"
)

// Several settings are asked for at once, whatever is in them, and with the options that the server had.
func TestSettings(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		program := "#!/bin/sh\nfor last; do :; done\ncase $last in one) printf 'a\\nb '\\''c\\n';; two) echo;; three) echo \"$*\";; *) exit 1;; esac\n"
		for name, text := range map[string]string{"postgres": program, "postmaster.opts": "/x/postgres \"-c\" \"a=b c\"\n"} {
			if err := WriteFile(t.Context(), h, filepath.Join(dir, name), []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		s := Server{Host: h, Data: dir, Bin: dir}
		got, err := s.Settings(t.Context(), "one", "two", "three")
		if want := []string{"a\nb 'c", "", "-c a=b c -D " + dir + " -C three"}; !slices.Equal(got, want) || err != nil {
			t.Errorf("%q, %v, and not %q", got, err, want)
		}
		if got, err := s.Settings(t.Context(), "one", "four"); err == nil {
			t.Errorf("what is not known is %q", got)
		}
		if got, err := s.Setting(t.Context(), "one"); got != "a\nb 'c" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}
