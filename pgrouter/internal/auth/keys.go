package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"github.com/xdg-go/stringprep"
)

// Keys derives SCRAM keys and remembers them, so that a thousand logins of one user cost one
// derivation for the client's side and one for the server's. It is also the source of randomness of
// the logins. It lives as long as the process, over all reloads.
type Keys struct {
	random io.Reader
	salt   [32]byte // secret of this process from which users' salts follow

	mu      sync.Mutex
	derived map[keyOf]*derivation
}

// maxDerived bounds the remembered keys. One takes about 300 bytes.
const maxDerived = 4096

// keyOf names a derivation. The password is part of it: after a change the old keys are not found again.
type keyOf struct {
	password   string
	salt       string
	iterations int
}

type derivation struct {
	once sync.Once
	key  *scramKey
}

// scramKey is what one side of SCRAM-SHA-256 computes from a password (RFC 5802, section 3).
type scramKey struct {
	salt       string
	iterations int
	client     []byte // ClientKey: logs in
	stored     []byte // StoredKey = SHA-256(ClientKey): checks a client
	server     []byte // ServerKey: proves the server
}

// NewKeys takes its randomness from random, which is crypto/rand.Reader outside tests.
func NewKeys(random io.Reader) (*Keys, error) {
	k := &Keys{random: random, derived: map[keyOf]*derivation{}}
	if _, err := io.ReadFull(random, k.salt[:]); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return k, nil
}

// bytes returns n random bytes.
func (k *Keys) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(k.random, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}

// saltFor returns the salt that a user is shown, the same one at every try and whether or not the
// user exists, so that it tells nothing.
func (k *Keys) saltFor(user string) string {
	return string(mac(k.salt[:], "salt "+user)[:16])
}

// derive returns the keys of a password. Concurrent callers of one key wait for one derivation.
// A nil Keys derives without remembering.
func (k *Keys) derive(password, salt string, iterations int) *scramKey {
	if k == nil {
		return derive(password, salt, iterations)
	}
	name := keyOf{password, salt, iterations}
	k.mu.Lock()
	d, ok := k.derived[name]
	if !ok {
		if len(k.derived) >= maxDerived {
			for victim := range k.derived { // any one: an attacker cannot choose which
				delete(k.derived, victim)
				break
			}
		}
		d = &derivation{}
		k.derived[name] = d
	}
	k.mu.Unlock()
	d.once.Do(func() { d.key = derive(password, salt, iterations) })
	return d.key
}

// derive is the costly part: one HMAC for each iteration.
func derive(password, salt string, iterations int) *scramKey {
	salted, err := pbkdf2.Key(sha256.New, prepare(password), []byte(salt), iterations, sha256.Size)
	if err != nil {
		panic(err) // only with parameters that no caller passes
	}
	client := mac(salted, "Client Key")
	stored := sha256.Sum256(client)
	return &scramKey{
		salt: salt, iterations: iterations,
		client: client, stored: stored[:], server: mac(salted, "Server Key"),
	}
}

// prepare normalizes a password with SASLprep. What cannot be normalized is used as it is, like in
// PostgreSQL, where passwords need not be valid Unicode.
func prepare(password string) string {
	if p, err := stringprep.SASLprep.Prepare(password); err == nil && p != "" {
		return p
	}
	return password
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}
