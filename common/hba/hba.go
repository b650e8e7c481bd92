// Package hba reads pool_hba.conf: who may connect, from where, to what, and how they prove who they are.
//
// The format is the one of Pgpool-II 4.x, which is PostgreSQL's pg_hba.conf without group
// membership, the keyword replication and regular expressions.
package hba

import (
	"fmt"
	"net/netip"

	"github.com/pgcrew/pgcrew/common/problem"
)

// Method is how a client has to prove who it is.
type Method uint8

const (
	Reject Method = iota // the zero value lets nobody in
	Trust
	Password
	MD5
	SCRAM
	Cert
)

var methodNames = [...]string{"reject", "trust", "password", "md5", "scram-sha-256", "cert"}

// String returns the method's name in pool_hba.conf.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// Type is the first column of a line.
type Type uint8

const (
	Local Type = iota
	Host
	HostSSL
	HostNoSSL
)

var typeNames = [...]string{"local", "host", "hostssl", "hostnossl"}

func (t Type) String() string { return typeNames[t] }

// Name is one word of the database or user column. Quoting takes the special meaning from a keyword.
type Name struct {
	Text   string
	Quoted bool
}

func (n Name) keyword(word string) bool { return !n.Quoted && n.Text == word }

// Option is a name=value word behind the method.
type Option struct{ Name, Value string }

// Rule is one line.
type Rule struct {
	Line      int
	Type      Type
	Databases []Name
	Users     []Name
	Address   Address // zero for Local
	Method    Method
	Options   []Option
}

// Option returns the value of an option, the last one if it is repeated.
func (r *Rule) Option(name string) (string, bool) {
	for i := len(r.Options) - 1; i >= 0; i-- {
		if r.Options[i].Name == name {
			return r.Options[i].Value, true
		}
	}
	return "", false
}

// Conn is what a rule is matched against.
type Conn struct {
	Local    bool       // over the Unix socket
	TLS      bool       // encrypted
	Addr     netip.Addr // the client's; not used when Local
	User     string
	Database string
}

// File is a pool_hba.conf. It does not change once it is read.
type File struct {
	Name     string
	Rules    []Rule
	warnings []Problem
}

// Warnings lists what was accepted although it may not mean what its writer thinks.
func (f *File) Warnings() []Problem { return f.warnings }

// Problem is something wrong with a line.
type Problem = problem.Problem

// Problems is the error of Load and Parse: everything that is wrong, in the order of the file.
type Problems = problem.Problems
