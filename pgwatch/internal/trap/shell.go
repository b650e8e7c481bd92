package trap

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// remote are programs that end with 255 when they do not reach the other host.
var remote = []string{"scp", "ssh", "sftp", "rsync"}

// last splits a shell command where the status of what stands before is forgotten.
var last = regexp.MustCompile(`\|\||[;|\n]`)

// copies returns the program by which a command may end with 255, or "". The status of a && b is that of either; what
// stands before || does not count, nor before a ; or in a pipe. What a script of its own does cannot be known.
func copies(command string) string {
	parts := last.Split(strings.TrimRight(command, "; \t\n"), -1)
	for word := range strings.FieldsFuncSeq(parts[len(parts)-1], func(r rune) bool { return strings.ContainsRune(" \t&'\"`()", r) }) {
		if name := path.Base(word); slices.Contains(remote, name) {
			return name
		}
	}
	return ""
}
