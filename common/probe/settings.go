package probe

import (
	"crypto/tls"
	"net"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/sockets"
)

// Logins returns as whom the configuration wants a server to be asked: check by health_check_*, stream by sr_check_*.
// Where only one of the two users is set it does both; where none is, User is empty.
//
// stream has connect_timeout for its Limit, as Pgpool-II has no other. t is for TLS with any server, or nil.
func Logins(c *config.Config, b config.Backend, pw *passwd.File, key *passwd.Key, t *tls.Config) (check, stream Login) {
	check = Login{
		User:     c.StringAt("health_check_user", b.ID),
		Password: c.StringAt("health_check_password", b.ID),
		Database: c.StringAt("health_check_database", b.ID),
	}
	stream = Login{
		User:     c.String("sr_check_user"),
		Password: c.String("sr_check_password"),
		Database: c.String("sr_check_database"),
	}
	if stream.User == "" {
		stream = check
	}
	if check.User == "" {
		check = stream
	}
	for _, l := range []*Login{&check, &stream} {
		l.Password = Password(l.User, l.Password, pw, key)
		l.TLS = serverTLS(t, b.Host)
		l.Dial = c.DurationAt("connect_timeout", b.ID)
		if l.Database == "" {
			l.Database = "postgres"
		}
	}
	check.Limit = c.DurationAt("health_check_timeout", b.ID)
	stream.Limit = stream.Dial
	return check, stream
}

// Password applies Pgpool-II's rule: the setting if it is not empty, in clear or as AES... or TEXT..., else the user's
// entry in pool_passwd. An entry that is only a hash cannot be used to log in here, and gives no password.
func Password(user, setting string, pw *passwd.File, key *passwd.Key) string {
	if setting == "" {
		secret, _ := pw.Lookup(user)
		clear, _ := secret.Clear()
		return clear
	}
	if !strings.HasPrefix(setting, "AES") && !strings.HasPrefix(setting, "TEXT") {
		return setting
	}
	escaped := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(setting)
	one, err := passwd.Parse("the setting", []byte("u:"+escaped), key)
	if err != nil {
		return setting
	}
	secret, _ := one.Lookup("u")
	clear, _ := secret.Clear()
	return clear
}

// serverTLS gives each server its own name to verify.
func serverTLS(t *tls.Config, host string) *tls.Config {
	if t == nil || IsFolder(host) {
		return nil
	}
	t = t.Clone()
	if t.ServerName == "" {
		t.ServerName = host
	}
	return t
}

// Address returns what to dial for a backend_hostname and port: tcp, or unix when the host is a folder.
func Address(host string, port int) (network, address string) {
	if IsFolder(host) {
		return "unix", sockets.File(host, port)
	}
	return "tcp", net.JoinHostPort(host, strconv.Itoa(port))
}

// IsFolder tells whether a backend_hostname is the folder of a Unix socket, as libpq does.
func IsFolder(host string) bool { return strings.HasPrefix(host, "/") }
