// Package door decides who may use PCP: users of pcp.conf who know their password, and who do not come from an address that
// has guessed too often.
package door

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Door lets users in. Its methods may be called from any goroutine.
type Door struct {
	guard *Guard
	path  func() string
	log   *slog.Logger
}

// New makes a Door. path tells where pcp.conf is; the file is read at each login, so that a change counts at once.
func New(path func() string, guard *Guard, log *slog.Logger) *Door {
	return &Door{guard: guard, path: path, log: log}
}

// Enter checks one login. answer is what the client made of the salt and the password; from is the address that failures
// are counted under. The error is a *Refusal. The log tells of every failure.
func (d *Door) Enter(from, user, answer string, salt [frame.SaltSize]byte) error {
	users, err := Load(d.path())
	if err != nil {
		clilog.Problems(d.log, "pcp.conf is wrong", err)
	}
	if users == nil {
		return &Refusal{User: user, Detail: "the server cannot read its pcp.conf; its log says why"}
	}
	ok, wait := d.guard.Try(from, func() bool { return knows(users.Lookup(user), user, answer, salt) })
	switch {
	case ok:
		return nil
	case wait > 0:
		d.log.Warn("PCP login failed, the address must wait", "client", from, "user", user, "wait_ms", wait)
		return &Refusal{User: user, Detail: fmt.Sprintf("username and/or password does not match; after so many failures from %s the next try counts in %v", from, wait.Round(time.Second))}
	}
	d.log.Warn("PCP login failed", "client", from, "user", user)
	return &Refusal{User: user, Detail: "username and/or password does not match"}
}

// knows tells whether the answer fits one of the sums. An unknown user takes as long as a known one.
func knows(sums []string, user, answer string, salt [frame.SaltSize]byte) bool {
	if len(sums) == 0 {
		sums = []string{""}
	}
	found := 0
	for _, sum := range sums {
		same := subtle.ConstantTimeCompare([]byte(frame.Answer(user, sum, salt)), []byte(answer))
		if sum != "" {
			found |= same
		}
	}
	return found == 1
}

// A Refusal is why somebody may not come in, in Pgpool-II's words where it has them.
type Refusal struct{ User, Detail string }

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("authentication failed for user %q: %s", r.User, r.Detail)
}

// errNobody is a pcp.conf that lets nobody in.
var errNobody = errors.New("it has no user: add a line \"name:\" followed by what pg_md5 or printf %s PASSWORD | md5sum prints")

// Load reads the pcp.conf at path. Without users there is an error too. The file is nil only when it cannot be read.
func Load(path string) (*passwd.PCP, error) {
	users, err := passwd.LoadPCP(path)
	if err == nil && users.Len() == 0 {
		err = fmt.Errorf("%s: %w", path, errNobody)
	}
	return users, err
}
