package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
)

// pgpool starts the real Pgpool-II.
func (w *world) pgpool() {
	// A standby is promoted by a script, and only when it was the primary that died.
	const promote = `test %d != %P || psql -X -h %H -p %r -U postgres -c "SELECT pg_promote()" postgres`
	w.startPgpool(w.dir, w.conf()+fmt.Sprintf("failover_command = '%s'\n", promote))
}

// startPgpool starts one in a folder of its own.
func (w *world) startPgpool(dir, conf string) {
	w.t.Helper()
	for name, folder := range map[string]string{"socket_dir": dir, "pcp_socket_dir": dir, "logdir": dir, "wd_ipc_socket_dir": dir, "pid_file_name": dir + "/pid"} {
		conf += fmt.Sprintf("%s = '%s'\n", name, folder)
	}
	in := func(name string) string { return strings.TrimPrefix(filepath.Join(dir, name), w.dir+"/") }
	w.run(syscall.SIGINT, filepath.Join(sbin, "pgpool"), "-n", "-f", w.write(in("pgpool.conf"), conf),
		"-F", filepath.Join(w.dir, "pcp.conf"), "-a", w.write(in("pool_hba.conf"), ""))
}
