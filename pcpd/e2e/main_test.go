package e2e

import (
	"os"
	"testing"

	"github.com/pgcrew/pgcrew/common/tooltest"
)

// bin is the folder of the programs under test. pgwatch finds those that it runs beside itself.
var bin string

func TestMain(m *testing.M) {
	tools := []string{"pgwatch", "pgpromote", "pgrecover", "pgrouter", "pcpd"}
	os.Exit(tooltest.WithPrograms(tools, func(dir string) int { bin = dir; return m.Run() }))
}
