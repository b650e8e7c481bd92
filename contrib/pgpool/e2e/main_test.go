package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/tooltest"
)

// patience is for what must come. No test decides by how long it took.
const patience = 2 * time.Minute

// bin is the folder of the programs under test. pgpool finds the others beside itself.
var bin string

func TestMain(m *testing.M) {
	tools := []string{"pgrouter", "pgwatch", "pgvip", "pcpd", "pgpromote", "pgrecover", "contrib/pgpool"}
	os.Exit(tooltest.WithPrograms(tools, func(dir string) int { bin = dir; return m.Run() }))
}
