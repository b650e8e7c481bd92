package passwd

import (
	"fmt"
	"os"
	"strings"
)

// Pass is a .pgpass or a .pcppass: passwords by where and as whom one connects.
type Pass struct{ entries [][]string }

const (
	pgpassFields  = 4 // host:port:database:user before the password
	pcppassFields = 3 // host:port:user before the password
)

// LoadPgpass reads the file at path as libpq does: no file is an empty one, a file that is not plain
// or that group or others may read is passed over with a warning.
func LoadPgpass(path string) (*Pass, []Problem, error) {
	return loadPass(path, pgpassFields, true)
}

// LoadPcppass reads the file at path as the PCP tools do, by the same rules. It has no comments.
func LoadPcppass(path string) (*Pass, []Problem, error) {
	return loadPass(path, pcppassFields, false)
}

func loadPass(path string, fields int, comments bool) (*Pass, []Problem, error) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return &Pass{}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read password file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return &Pass{}, []Problem{{File: path, Text: "it is not a plain file and not used"}}, nil
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &Pass{}, []Problem{{File: path, Text: fmt.Sprintf(
			"group or others have access (mode %04o) and it is not used: chmod 0600", mode)}}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read password file: %w", err)
	}
	return parsePass(text, fields, comments), nil, nil
}

func parsePass(text []byte, fields int, comments bool) *Pass {
	p := &Pass{}
	for _, line := range lines(text) {
		if line == "" || comments && line[0] == '#' {
			continue
		}
		if e := passEntry(line, fields); e != nil {
			p.entries = append(p.entries, e)
		}
	}
	return p
}

// passEntry returns the fields as written, because \* is not the wildcard, and the password
// unescaped. Lines with too few fields are nil: libpq passes over them too.
func passEntry(line string, fields int) []string {
	var e []string
	for range fields {
		_, rest, ok := field(line)
		if !ok {
			return nil
		}
		e = append(e, line[:len(line)-len(rest)-1])
		line = rest
	}
	password, _, _ := field(line)
	return append(e, password)
}

// Lookup returns the password of the first line that matches. The values are host, port, database
// and user for .pgpass, host, port and user for .pcppass; host is localhost for a Unix socket in the
// default folder, and the folder for another one.
func (p *Pass) Lookup(values ...string) (string, bool) {
	if p == nil {
		return "", false
	}
	for _, e := range p.entries {
		if len(e) == len(values)+1 && matches(e, values) {
			return e[len(values)], true
		}
	}
	return "", false
}

func matches(entry, values []string) bool {
	for i, v := range values {
		if entry[i] != "*" && unescape(entry[i]) != v {
			return false
		}
	}
	return true
}

// PassPath returns the path in the variable if it is set, else name in the home directory.
func PassPath(variable, name string, getenv func(string) string, home string) string {
	if path := getenv(variable); path != "" {
		return path
	}
	if home == "" {
		return ""
	}
	return strings.TrimSuffix(home, "/") + "/" + name
}
