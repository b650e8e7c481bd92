package main

import (
	"path/filepath"
	"testing"

	"github.com/pgcrew/pgcrew/common/tooltest"
)

func TestMain(m *testing.M) { tooltest.Main(m, "pgrouter", main) }

// TestScripts runs testdata/*.txtar. $LAB is the folder with the lab's own files.
func TestScripts(t *testing.T) {
	dir, err := filepath.Abs("../contrib/lab/files")
	if err != nil {
		t.Fatal(err)
	}
	tooltest.Scripts(t, "LAB="+dir)
}

func TestManPage(t *testing.T) { tooltest.Man(t, "pgrouter", "PGROUTER", new(cli)) }

func TestUnits(t *testing.T) { tooltest.Units(t, "pgrouter") }
