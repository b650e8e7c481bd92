package clilog

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Complain tells a person at a terminal why tool stops: "pgvip: error: ..." for each line of the error,
// and "pgvip: hint: ..." when an error in its chain knows what helps.
func Complain(w io.Writer, tool string, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "%s: error: %s\n", tool, strings.TrimRight(line, "\r\n"))
	}
	var helpful interface{ Hint() string }
	if errors.As(err, &helpful) && helpful.Hint() != "" {
		fmt.Fprintf(w, "%s: hint: %s\n", tool, helpful.Hint())
	}
}
