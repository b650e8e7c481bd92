package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// crew starts pgwatch, pgrouter and pcpd in Pgpool-II's place.
func (w *world) crew() {
	w.t.Helper()
	w.write("pgpool_node_id", "0\n")
	w.startCrew(w.dir, w.conf())
}

// startCrew starts a crew that has a folder of its own.
func (w *world) startCrew(dir, conf string) {
	w.t.Helper()
	conf += fmt.Sprintf("recovery_user = 'postgres'\nrecovery_password = '%s'\npcp_conf = '%s'\n", pgtest.Password, filepath.Join(w.dir, "pcp.conf"))
	for _, name := range []string{"run_directory", "state_directory", "unix_socket_directories", "pcp_socket_dir"} {
		conf += fmt.Sprintf("%s = '%s'\n", name, dir)
	}
	file := w.write(strings.TrimPrefix(filepath.Join(dir, "pgpool.conf"), w.dir+"/"), conf)
	for _, tool := range []string{"pgwatch", "pgrouter", "pcpd"} {
		w.run(syscall.SIGTERM, filepath.Join(bin, tool), "run", "--config", file)
	}
}
