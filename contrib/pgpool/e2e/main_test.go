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

// bin is the folder of the programs under test. pgpool finds the others beside itself.
var bin string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pgcrew")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for the user of the servers
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, tool := range []string{"pgrouter", "pgwatch", "pgvip", "pcpd", "pgpromote", "pgrecover", "contrib/pgpool"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(tool)), "github.com/pgcrew/pgcrew/"+tool)
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", tool, err, out)
			return 1
		}
	}
	bin = dir
	return m.Run()
}
