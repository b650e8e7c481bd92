package tooltest

import (
	"fmt"
	"os"
	"os/exec"
)

// WithPrograms builds the tools of these folders of the repository into one new folder, as the user of the test's servers
// can run them, and calls run with it; what run returns is for os.Exit. TestMain of end-to-end tests calls it. With
// PGCREW_E2E_RACE=1 they are built with the race detector.
func WithPrograms(folders []string, run func(bin string) int) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin, err := os.MkdirTemp("", "pgcrew")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(bin)
	if err := os.Chmod(bin, 0o755); err != nil {
		return fail(err)
	}
	args := []string{"build", "-o", bin + "/"}
	if os.Getenv("PGCREW_E2E_RACE") == "1" {
		args = append(args, "-race")
	}
	for _, folder := range folders {
		args = append(args, "github.com/pgcrew/pgcrew/"+folder)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fail(fmt.Errorf("build %v: %w\n%s", folders, err, out))
	}
	return run(bin)
}
