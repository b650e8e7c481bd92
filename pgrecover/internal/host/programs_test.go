package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Programs at an unusual place are found when the primary's are there, too, and only those of the version in question.
func TestProgramsOfThePrimary(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		bin := filepath.Join(dir, "own build")
		if err := os.Mkdir(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "postgres"), []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 98.1'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(dir, "data")
		if got, err := Programs(t.Context(), h, data, "98", bin); err != nil || got != bin {
			t.Errorf("%q, %v", got, err)
		}
		for _, c := range []struct{ major, alike string }{{"98", ""}, {"98", dir}, {"9", bin}, {"99", bin}} {
			if got, err := Programs(t.Context(), h, data, c.major, c.alike); err == nil || !strings.Contains(err.Error(), "no programs of PostgreSQL "+c.major+" ") {
				t.Errorf("%v: %q, %v", c, got, err)
			}
		}
	})
}
