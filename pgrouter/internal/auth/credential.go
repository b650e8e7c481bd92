package auth

import (
	"log/slog"

	"github.com/pgcrew/pgcrew/common/passwd"
)

// Credential is what is known to log in to a server as a user. The zero value knows nothing, which is
// enough for a server that trusts.
type Credential struct {
	clear string
	md5   string    // md5 and 32 hexadecimal digits
	scram *scramKey // taken from the client's own proof
	keys  *Keys
}

// NewCredential makes a Credential of a stored password. A SCRAM verifier alone is not enough to log in.
func NewCredential(keys *Keys, s passwd.Secret) Credential {
	c := Credential{keys: keys}
	c.clear, _ = s.Clear()
	c.md5, _ = s.MD5()
	return c
}

// Clear returns the password itself if it is known.
func (c Credential) Clear() (string, bool) { return c.clear, c.clear != "" }

// Known says whether there is anything to answer a server's question with.
func (c Credential) Known() bool { return c.clear != "" || c.md5 != "" || c.scram != nil }

// same says whether two credentials from pool_passwd are of one entry.
func (c Credential) same(d Credential) bool { return c.clear == d.clear && c.md5 == d.md5 }

// String hides the password, so that no log shows it by accident.
func (c Credential) String() string { return "*****" }

// GoString hides the password from %#v.
func (c Credential) GoString() string { return "auth.Credential(*****)" }

// LogValue hides the password from slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue("*****") }
