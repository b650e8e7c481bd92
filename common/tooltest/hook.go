package tooltest

import (
	"bytes"
	"strings"
)

// A Hook takes the JSON lines of steps, and calls Then after the first one of a Step, before anything else is done. Then is nil
// afterwards.
type Hook struct {
	bytes.Buffer
	Step string
	Then func()
}

// Write implements io.Writer. It is called once for a line.
func (h *Hook) Write(line []byte) (int, error) {
	if then := h.Then; then != nil && strings.Contains(string(line), `"step":"`+h.Step+`"`) {
		h.Then = nil
		then()
	}
	return h.Buffer.Write(line)
}
