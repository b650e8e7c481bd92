package clilog

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// In the journal a line has its level as priority, and no time of its own; anywhere else it is as it always was.
func TestJournal(t *testing.T) {
	file := func(name string) (f *os.File, stream string) {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		return f, fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	}
	journal, stream := file("journal")
	other, _ := file("other")
	t.Setenv("JOURNAL_STREAM", stream)
	for _, f := range []*os.File{journal, other} {
		log, err := New(f, "text", slog.LevelDebug)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("a", "n", 1)
		log.Info("b")
		log.Warn("c")
		log.Error("two\nlines")
	}
	const want = "<7>level=debug msg=a n=1\n<6>level=info msg=b\n<4>level=warn msg=c\n<3>level=error msg=\"two\\nlines\"\n"
	if got, err := os.ReadFile(journal.Name()); err != nil || string(got) != want {
		t.Errorf("the journal has %q, %v", got, err)
	}
	if got, err := os.ReadFile(other.Name()); err != nil || string(got[:7]) != "time=20" {
		t.Errorf("elsewhere there is %q, %v", got, err)
	}
}
