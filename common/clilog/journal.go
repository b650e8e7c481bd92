package clilog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
)

// inJournal tells whether w is what systemd has connected with its journal, as JOURNAL_STREAM says by device and inode. Of
// a program that inherits the variable, and writes elsewhere, it is not.
func inJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("JOURNAL_STREAM") == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// priorities are how the journal is told the level of a line: journalctl -p warning shows what is that or worse.
var priorities = []struct{ level, prefix string }{{"level=error", "<3>"}, {"level=warn", "<4>"}, {"level=info", "<6>"}, {"level=debug", "<7>"}}

// journal writes lines of text that begin with their level. The journal has the time.
type journal struct{ io.Writer }

// Write implements io.Writer. It is called once for a line.
func (j journal) Write(line []byte) (int, error) {
	for _, p := range priorities {
		if bytes.HasPrefix(line, []byte(p.level)) {
			if _, err := j.Writer.Write(append([]byte(p.prefix), line...)); err != nil {
				return 0, err
			}
			return len(line), nil
		}
	}
	return j.Writer.Write(line)
}
