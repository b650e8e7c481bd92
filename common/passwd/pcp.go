package passwd

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// PCP is a pcp.conf: the users of the PCP protocol.
type PCP struct {
	Name  string
	users map[string][]string
}

// Lookup returns the lower-case hexadecimal md5 sums of the user's passwords, without the user mixed in. A user has several
// when the file has several lines for him, as while a password is changed; as in Pgpool-II each of them lets him in.
func (p *PCP) Lookup(user string) []string {
	if p == nil {
		return nil
	}
	return p.users[user]
}

// Len returns the number of users.
func (p *PCP) Len() int {
	if p == nil {
		return 0
	}
	return len(p.users)
}

// HashPCP returns what pcp.conf holds for a password.
func HashPCP(password string) string {
	sum := md5.Sum([]byte(password))
	return hex.EncodeToString(sum[:])
}

// LoadPCP reads the pcp.conf at path. The error is Problems when the file could be read; the lines that are right are
// returned all the same.
func LoadPCP(path string) (*PCP, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read pcp.conf: %w", err)
	}
	return ParsePCP(path, text)
}

// ParsePCP reads lines user:md5. Empty lines and lines that begin with # are comments. The error is as that of LoadPCP.
func ParsePCP(name string, text []byte) (*PCP, error) {
	p := &PCP{Name: name, users: map[string][]string{}}
	var problems Problems
	for i, line := range lines(text) {
		line = strings.TrimRight(line, " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		user, hash, ok := strings.Cut(line, ":")
		digits, err := hex.DecodeString(hash)
		switch {
		case !ok:
			problems = append(problems, Problem{File: name, Line: i + 1, Text: "no colon between user and password"})
		case user == "":
			problems = append(problems, Problem{File: name, Line: i + 1, Text: "no user before the colon"})
		case err != nil || len(digits) != md5.Size:
			problems = append(problems, Problem{File: name, Line: i + 1, Text: fmt.Sprintf(
				"user %q: the password is not an md5 sum of 32 hexadecimal digits, as pg_md5 prints it", user)})
		default:
			p.users[user] = append(p.users[user], strings.ToLower(hash))
		}
	}
	if len(problems) > 0 {
		return p, problems
	}
	return p, nil
}
