package postmaster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// A cluster of Debian's is started by its unit where that can be done.
func TestStartByUnit(t *testing.T) {
	p, s := stopped(t)
	const conf = "/etc/postgresql/0/pgcrew test/postgresql.conf" // no version, so that there is no such unit
	p.Write(t, "postmaster.opts", filepath.Join(pgtest.Bin(t), "postgres")+` "-D" "`+p.Data("")+`" "-c" "config_file=`+conf+`"`+"\n")
	programs := t.TempDir()
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	systemctl := func(text string) {
		if err := os.WriteFile(filepath.Join(programs, "systemctl"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	systemctl("exit 4") // it is not allowed
	if err := s.Start(within(t)); err == nil || !strings.Contains(err.Error(), conf) {
		t.Errorf("without the unit: %v", err)
	}

	// A systemd that starts it, and takes a while yet to say so.
	data := p.Data("")
	systemctl(`[ "$4" = "postgresql@0-pgcrew test.service" ] || exit 5
as=; if [ "$(id -u)" = 0 ]; then as="setpriv --reuid=$(stat -c %u ` + data + `) --regid=$(stat -c %g ` + data + `) --clear-groups"; fi
$as ` + filepath.Join(pgtest.Bin(t), "pg_ctl") + ` -s -w -D ` + data + ` -l ` + filepath.Join(data, "log") + ` start || exit
while [ ! -e ` + filepath.Join(programs, "end") + ` ]; do sleep 0.01; done
`)
	t.Cleanup(func() { os.WriteFile(filepath.Join(programs, "end"), nil, 0o644) })
	if err := s.Start(within(t)); err != nil || !s.Ready() {
		t.Errorf("by the unit: %v, ready %v", err, s.Ready())
	}
}
