package hba

import (
	"slices"
	"strings"
)

// elsewhere are methods that Pgpool-II or PostgreSQL have and pgcrew has not.
var elsewhere = []string{"pam", "ldap", "ident", "peer", "gss", "sspi", "radius", "bsd", "krb5", "crypt", "oauth"}

func (p *parser) method(r *Rule, column []Name) {
	if len(column) != 1 {
		p.fail("one method is needed, not a list: %s", join(column))
		return
	}
	name := column[0].Text
	if slices.Contains(elsewhere, name) {
		p.fail("method %s is not supported here: use one of %s", name, strings.Join(methodNames[:], ", "))
		return
	}
	i := slices.Index(methodNames[:], name)
	if i < 0 {
		p.fail("method %q is not known: use one of %s", name, strings.Join(methodNames[:], ", "))
		return
	}
	r.Method = Method(i)
	if r.Method == Cert && r.Type != HostSSL {
		p.fail("method cert needs TLS: write hostssl instead of %s", r.Type)
	}
}

// options takes clientcert=verify-ca|verify-full on hostssl lines, as PostgreSQL does. The options
// of Pgpool-II's pam and ldap have nothing to act on.
func (p *parser) options(r *Rule, columns [][]Name) {
	for _, c := range columns {
		name, value, ok := strings.Cut(join(c), "=")
		switch {
		case !ok:
			p.fail("option %q is not of the form name=value", join(c))
		case name != "clientcert":
			p.fail("option %s is not known for method %s", name, r.Method)
		case r.Type != HostSSL:
			p.fail("option clientcert needs TLS: write hostssl instead of %s", r.Type)
		case value != "verify-ca" && value != "verify-full":
			p.fail("option clientcert is %q: allowed are verify-ca and verify-full", value)
		default:
			r.Options = append(r.Options, Option{name, value})
		}
	}
}
