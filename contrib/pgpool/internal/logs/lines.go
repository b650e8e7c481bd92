package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine is the longest line; a longer one is broken.
const maxLine = 64 << 10

var newline = []byte{'\n'}

// lines calls f with each line of r, without its end, until r ends. f must not keep it.
func lines(r io.Reader, f func(line []byte)) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if line = bytes.TrimSuffix(line, newline); len(line) > 0 {
			f(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// A Source is who wrote a line.
type Source struct {
	Tool string
	PID  int
}

// mark says in a line who wrote it. A JSON object stays one.
func (s Source) mark(line []byte) string {
	if rest, ok := strings.CutPrefix(string(line), `{"`); ok {
		return fmt.Sprintf(`{"tool":%q,"pid":%d,"%s`, s.Tool, s.PID, rest)
	}
	return fmt.Sprintf("%s[%d]: %s", s.Tool, s.PID, line)
}
