package plan

import (
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/pgrecover/internal/conninfo"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// loginSeconds is how long a program on the host of the node may take to connect.
const loginSeconds = "5"

// Login is the connection string with which a program on the host of a node logs in to the primary, without the password.
func Login(to backend.Server) string {
	return conninfo.Conninfo{{Key: "host", Value: to.Host}, {Key: "port", Value: strconv.Itoa(to.Port)}, {Key: "user", Value: to.User},
		{Key: "dbname", Value: "postgres"}, {Key: "connect_timeout", Value: loginSeconds}, {Key: "application_name", Value: to.Tool}}.String()
}

// withPassword reads the password from standard input, where neither a list of processes nor a file shows it, and leaves it
// to .pgpass when it is empty. What it starts outlives the connection that started it.
const withPassword = `IFS= read -r p; trap '' HUP PIPE; if [ -n "$p" ]; then PGPASSWORD=$p; export PGPASSWORD; fi; unset p; exec "$@" </dev/null`

// WithPassword makes a command one that finds the password of its login.
func WithPassword(c host.Cmd, password string) host.Cmd {
	c.Args = host.Shell(withPassword, c.Args...)
	c.Stdin = strings.NewReader(password + "\n")
	return c
}
