package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience is for what must come. No test decides by how long it took.
const patience = 2 * time.Minute

// bin is the folder of the programs under test. pgwatch finds pgpromote and pgrecover beside itself.
var bin string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pgcrew")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, tool := range []string{"pgwatch", "pgpromote", "pgrecover", "pgrouter"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, tool), "github.com/pgcrew/pgcrew/"+tool)
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", tool, err, out)
			return 1
		}
	}
	bin = dir
	return m.Run()
}
