package plan

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// waldump17 stands for PostgreSQL 17's pg_waldump: its first segment has a checkpoint, its second one the begin of another.
const waldump17 = `#!/bin/sh
case $3 in
*01) cat <<'END'
rmgr: XLOG        len (rec/tot):     30/    30, tx:          0, lsn: 0/01000028, prev 0/0049A6D8, desc: CHECKPOINT_REDO wal_level replica
rmgr: XLOG        len (rec/tot):    114/   114, tx:          0, lsn: 0/01000080, prev 0/01000048, desc: CHECKPOINT_ONLINE redo 0/1000028; tli 1; prev tli 1; fpw true
END
;;
*02) cat <<'END'
rmgr: XLOG        len (rec/tot):     24/    24, tx:          0, lsn: 0/02000028, prev 0/01000160, desc: SWITCH
rmgr: XLOG        len (rec/tot):     30/    30, tx:          0, lsn: 0/02000060, prev 0/02000028, desc: CHECKPOINT_REDO wal_level replica
END
;;
esac
`

// pg_rewind needs a checkpoint that came to its end.
func TestBeginOfACheckpointIsNone(t *testing.T) {
	// Run by root, programs run as the user postgres, who has no way into t.TempDir.
	bin, err := os.MkdirTemp("/tmp", "plan")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(bin) })
	if err := errors.Join(os.Chmod(bin, 0o755), os.WriteFile(filepath.Join(bin, "pg_waldump"), []byte(waldump17), 0o755)); err != nil {
		t.Fatal(err)
	}
	h, err := host.Local(bin)
	if err != nil {
		t.Fatal(err)
	}
	w := wal{srv: host.Server{Host: h, Bin: bin}}
	looked, found, err := w.checkpoints(t.Context(), []string{"000000010000000000000002", "000000010000000000000001"})
	if err != nil || looked != 2 || len(found) != 1 || found[0].at != 0x1000080 {
		t.Errorf("after %d segments: %x, %v", looked, found, err)
	}
}
