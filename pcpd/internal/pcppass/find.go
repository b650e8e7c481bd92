// Package pcppass finds the password of a PCP user where Pgpool-II's programs find it.
package pcppass

import (
	"slices"
	"strconv"

	"github.com/pgcrew/pgcrew/common/passwd"
)

// The file of passwords, and the variable that names another one.
const (
	file     = ".pcppass"
	variable = "PCPPASSFILE"
)

// Where is what one connects to.
type Where struct {
	Host    string   // a host, the folder of a Unix socket, or empty for those of Sockets
	Sockets []string // the folders that have no name of their own in the file
	Port    int
	User    string
}

// Found is what the file says.
type Found struct {
	Path     string // of the file, which may not be there
	Password string
	OK       bool // there is a password
	Warnings []string
}

// Find looks into $PCPPASSFILE, or else into .pcppass in the home directory. A file that others may read is passed over with
// a warning. home may be empty.
//
// Lines of Unix sockets have the host localhost when the folder is one of the default ones.
func Find(getenv func(string) string, home string, w Where) (Found, error) {
	f := Found{Path: passwd.PassPath(variable, file, getenv, home)}
	if f.Path == "" {
		return f, nil
	}
	passwords, problems, err := passwd.LoadPcppass(f.Path)
	if err != nil {
		return f, err
	}
	for _, p := range problems {
		f.Warnings = append(f.Warnings, p.String())
	}
	host := w.Host
	if host == "" || slices.Contains(w.Sockets, host) {
		host = "localhost"
	}
	f.Password, f.OK = passwords.Lookup(host, strconv.Itoa(w.Port), w.User)
	return f, nil
}
