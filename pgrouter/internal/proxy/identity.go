package proxy

import (
	"strings"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// An identity is what makes two sessions interchangeable for a server: who they are and with which parameters they
// began. Sessions and pooled connections of one kind share it.
type identity struct {
	key      string
	user     string
	database string
	params   [][2]string
	version  uint32
	catalog  *catalog

	mu         sync.Mutex
	credential auth.Credential
	accepted   auth.Precedent // the last login at a server
	acceptedAt time.Time
	welcome    []byte      // ParameterStatus messages of a server, for clients that log in later
	reports    [][2]string // the same, to be read
	users      int         // sessions and connections; guarded by identities.mu
}

// identities are all that are in use.
type identities struct {
	mu   sync.Mutex
	all  map[string]*identity
	made func(*identity) // completes a new one
}

// keyOf names the identity of a client whose password is known, or is not.
func keyOf(c *auth.Client, known bool) string {
	var b strings.Builder
	if !known {
		// Who was let in without a password must not get a connection that somebody else's password opened.
		b.WriteByte(1)
	}
	for _, s := range append([][2]string{{c.Database, c.User}}, c.Params...) {
		b.WriteString(s[0])
		b.WriteByte(0)
		b.WriteString(s[1])
		b.WriteByte(0)
	}
	return b.String()
}

// of gives the identity of a client, counted as used once more.
func (ids *identities) of(c *auth.Client) *identity {
	key := keyOf(c, c.Credential.Known())
	ids.mu.Lock()
	defer ids.mu.Unlock()
	id := ids.all[key]
	if id == nil {
		id = &identity{key: key, user: c.User, database: c.Database, params: c.Params, version: wire.Version30}
		ids.made(id)
		ids.all[key] = id
	}
	id.users++
	id.mu.Lock()
	id.credential = c.Credential // the newest login has proved the newest password
	id.mu.Unlock()
	return id
}

func (ids *identities) hold(id *identity) {
	ids.mu.Lock()
	id.users++
	ids.mu.Unlock()
}

// drop counts one use less; what nobody uses is forgotten.
func (ids *identities) drop(id *identity) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if id.users--; id.users == 0 {
		delete(ids.all, id.key)
	}
}

func (id *identity) secret() auth.Credential {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.credential
}

// learn keeps what a server reported at a login with cred.
func (id *identity) learn(s *auth.Server, cred auth.Credential) {
	var welcome []byte
	for _, p := range s.Params {
		welcome = wire.AppendParameterStatus(welcome, p[0], p[1])
	}
	id.mu.Lock()
	id.welcome, id.reports = welcome, s.Params
	id.accepted, id.acceptedAt = auth.Precedent{Method: s.Method, Credential: cred}, time.Now()
	id.mu.Unlock()
}

// precedentLife is for how long a server is not asked about clients again of whom it has let one in; after a change of
// passwords or of pg_hba.conf the old ones still do so long.
const precedentLife = time.Minute

// precedent is the Door's Known: what is remembered with sessions and pooled connections.
func (ids *identities) precedent(c *auth.Client) (auth.Precedent, bool) {
	if replicates(c) {
		return auth.Precedent{}, false // its server connection is opened at its login, to be used
	}
	ids.mu.Lock()
	id := ids.all[keyOf(c, true)]
	if id == nil && !c.Credential.Known() {
		id = ids.all[keyOf(c, false)]
	}
	ids.mu.Unlock()
	if id == nil {
		return auth.Precedent{}, false
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.accepted, id.welcome != nil && time.Since(id.acceptedAt) < precedentLife
}

// greeting is what a client is told at login, nil while no server has said it.
func (id *identity) greeting() (welcome []byte, reports [][2]string) {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.welcome, id.reports
}

// forget makes the next client ask a server again, because a login was refused.
func (id *identity) forget() {
	id.mu.Lock()
	id.welcome, id.reports = nil, nil
	id.mu.Unlock()
}
