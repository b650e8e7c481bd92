// Package passwd reads the password files of a Pgpool-II installation: pool_passwd in all its
// forms, the key file of its encrypted form, pcp.conf, .pgpass and .pcppass.
package passwd

import (
	"fmt"
	"os"
	"strings"

	"github.com/pgcrew/pgcrew/common/problem"
)

// File is a pool_passwd. It does not change once it is read.
type File struct {
	Name     string
	users    map[string]Secret
	warnings []Problem
}

// Lookup returns what is stored for a user. A nil File knows nobody.
func (f *File) Lookup(user string) (Secret, bool) {
	if f == nil {
		return Secret{}, false
	}
	s, ok := f.users[user]
	return s, ok
}

// Len returns the number of users.
func (f *File) Len() int {
	if f == nil {
		return 0
	}
	return len(f.users)
}

// Warnings lists what was accepted although it works less well than its writer may think.
func (f *File) Warnings() []Problem {
	if f == nil {
		return nil
	}
	return f.warnings
}

// Problem is something wrong with a line.
type Problem = problem.Problem

// Problems is everything that is wrong, in the order of the file.
type Problems = problem.Problems

// Load reads the pool_passwd at path. key may be nil, then entries of the form AES do not work,
// and Warnings says so. The error is Problems when the file could be read.
//
// The file may be readable by its group, as Pgpool-II ships it; one that everybody may read is a warning.
func Load(path string, key *Key) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read pool_passwd: %w", err)
	}
	f, err := Parse(path, text, key)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		f.warnings = append(f.warnings, Problem{File: path, Line: 0, Text: fmt.Sprintf(
			"everybody may read it (mode %04o): chmod 0640 or stricter", info.Mode().Perm())})
	}
	return f, nil
}

// Parse reads text, which is called name in messages.
//
// A line is user:password, where \: and \\ stand for : and \. A second pair behind it is ignored, as
// Pgpool-II does. The first line of a user counts. There are no comments; a line that begins with #
// and has no colon is ignored with a warning.
func Parse(name string, text []byte, key *Key) (*File, error) {
	f := &File{Name: name, users: map[string]Secret{}}
	var problems Problems
	for i, line := range lines(text) {
		if line == "" {
			continue
		}
		warn := func(format string, args ...any) {
			f.warnings = append(f.warnings, Problem{File: name, Line: i + 1, Text: fmt.Sprintf(format, args...)})
		}
		user, secret, err := entry(line, key, warn)
		if err != nil {
			problems = append(problems, Problem{File: name, Line: i + 1, Text: err.Error()})
			continue
		}
		if user == "" {
			continue
		}
		if _, ok := f.users[user]; ok {
			warn("user %q has a line above, which counts", user)
			continue
		}
		f.users[user] = secret
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return f, nil
}

// entry reads one line that is not empty. An empty user and no error is a line to pass over.
func entry(line string, key *Key, warn func(string, ...any)) (string, Secret, error) {
	if strings.IndexByte(line, 0) >= 0 {
		return "", Secret{}, fmt.Errorf("a zero byte in the line")
	}
	user, rest, ok := field(line)
	switch {
	case !ok && line[0] == '#':
		warn("the file knows no comments, the line is ignored")
		return "", Secret{}, nil
	case !ok:
		return "", Secret{}, fmt.Errorf("no colon between user and password")
	case user == "":
		return "", Secret{}, fmt.Errorf("no user before the colon")
	}
	password, _, _ := field(rest)
	if strings.HasPrefix(rest, verifierPrefix) {
		password = unescape(rest) // a verifier has a colon of its own, which people do not escape
	}
	secret, err := newSecret(password, key, warn)
	if err != nil {
		return "", Secret{}, fmt.Errorf("user %q: %w", user, err)
	}
	return user, secret, nil
}
