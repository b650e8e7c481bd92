package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// crew builds and starts pgwatch, pgrouter and pcpd in Pgpool-II's place.
func (w *world) crew() {
	w.t.Helper()
	w.folder("bin")
	for _, tool := range []string{"pgwatch", "pgpromote", "pgrecover", "pgrouter", "pcpd"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(w.dir, "bin", tool), "github.com/pgcrew/pgcrew/"+tool)
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("build %s: %v\n%s", tool, err, out)
		}
	}
	conf := w.conf() + fmt.Sprintf("recovery_user = 'postgres'\nrecovery_password = '%s'\n", pgtest.Password)
	for _, name := range []string{"run_directory", "state_directory", "unix_socket_directories"} {
		conf += fmt.Sprintf("%s = '%s'\n", name, w.dir)
	}
	w.write("pgpool_node_id", "0\n")
	file := w.write("pgpool.conf", conf)
	for _, tool := range []string{"pgwatch", "pgrouter", "pcpd"} {
		w.run(os.Signal(syscall.SIGTERM), filepath.Join(w.dir, "bin", tool), "run", "--config", file)
	}
}
