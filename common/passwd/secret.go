package passwd

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Secret is what is known of a user's password: one of the forms Clear, MD5 and SCRAM, or none when
// it could not be decrypted.
type Secret struct {
	clear    string
	md5      string
	verifier *Verifier
}

// Verifier is what PostgreSQL stores for SCRAM-SHA-256: enough to check a client, not to log in.
type Verifier struct {
	Iterations int
	Salt       []byte
	StoredKey  []byte // 32 bytes
	ServerKey  []byte // 32 bytes
}

// Clear returns the password itself.
func (s Secret) Clear() (string, bool) { return s.clear, s.clear != "" }

// MD5 returns the stored hash, md5 and 32 hexadecimal digits. It is not computed from Clear: that
// needs a user, see HashMD5.
func (s Secret) MD5() (string, bool) { return s.md5, s.md5 != "" }

// SCRAM returns the stored verifier.
func (s Secret) SCRAM() (*Verifier, bool) { return s.verifier, s.verifier != nil }

// Usable says whether there is any form at all.
func (s Secret) Usable() bool { return s.clear != "" || s.md5 != "" || s.verifier != nil }

// String hides the password, so that no log shows it by accident.
func (s Secret) String() string { return "*****" }

// GoString hides the password from %#v.
func (s Secret) GoString() string { return "passwd.Secret(*****)" }

// LogValue hides the password from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("*****") }

// ClearSecret is a password that was not read from a file, such as a setting.
func ClearSecret(password string) Secret { return Secret{clear: password} }

// HashMD5 returns the form in which PostgreSQL stores an md5 password.
func HashMD5(user, password string) string {
	sum := md5.Sum([]byte(password + user))
	return "md5" + hex.EncodeToString(sum[:])
}

const verifierPrefix = "SCRAM-SHA-256$"

// newSecret tells the forms apart as Pgpool-II does: md5 with 32 hexadecimal digits, AES, TEXT,
// SCRAM-SHA-256$, and anything else is the password itself.
func newSecret(stored string, key *Key, warn func(string, ...any)) (Secret, error) {
	switch {
	case stored == "" || stored == "TEXT":
		return Secret{}, fmt.Errorf("the password is empty")
	case IsMD5(stored):
		return Secret{md5: strings.ToLower(stored)}, nil
	case strings.HasPrefix(stored, verifierPrefix):
		v, err := ParseVerifier(stored)
		return Secret{verifier: v}, err
	case strings.HasPrefix(stored, "TEXT"):
		return Secret{clear: stored[len("TEXT"):]}, nil
	case strings.HasPrefix(stored, "AES"):
		return decryptSecret(stored[len("AES"):], key, warn)
	}
	return Secret{clear: stored}, nil
}

func decryptSecret(text string, key *Key, warn func(string, ...any)) (Secret, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 || len(sealed)%blockSize != 0 {
		return Secret{}, fmt.Errorf("AES is not followed by an encrypted password in base64: " +
			"if the password itself begins with AES, write TEXT before it")
	}
	if key == nil {
		warn("the password is encrypted and there is no key file: set PGPOOLKEYFILE or make ~/.pgpoolkey; the entry does not work")
		return Secret{}, nil
	}
	clear, err := key.decrypt(sealed)
	if err != nil {
		warn("the password does not decrypt with the key in %s: the entry does not work", key.Name)
		return Secret{}, nil
	}
	return Secret{clear: clear}, nil
}

// IsMD5 says whether stored has the form of a PostgreSQL md5 password.
func IsMD5(stored string) bool {
	if len(stored) != 35 || stored[:3] != "md5" {
		return false
	}
	_, err := hex.DecodeString(stored[3:])
	return err == nil
}

// ParseVerifier reads SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, the last three in base64.
func ParseVerifier(stored string) (*Verifier, error) {
	rest, ok := strings.CutPrefix(stored, verifierPrefix)
	count, rest, ok1 := strings.Cut(rest, ":")
	salt, rest, ok2 := strings.Cut(rest, "$")
	storedKey, serverKey, ok3 := strings.Cut(rest, ":")
	if !ok || !ok1 || !ok2 || !ok3 {
		return nil, fmt.Errorf("a SCRAM verifier has the form SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey")
	}
	v := &Verifier{}
	var err error
	if v.Iterations, err = strconv.Atoi(count); err != nil || v.Iterations < 1 || v.Iterations > 1<<31-1 {
		return nil, fmt.Errorf("the iterations of the SCRAM verifier are no number from 1 to %d", 1<<31-1)
	}
	for _, part := range []struct {
		name, text string
		into       *[]byte
		length     int // 0: any but none
	}{
		{"salt", salt, &v.Salt, 0},
		{"StoredKey", storedKey, &v.StoredKey, 32},
		{"ServerKey", serverKey, &v.ServerKey, 32},
	} {
		*part.into, err = base64.StdEncoding.DecodeString(part.text)
		if err != nil || len(*part.into) == 0 || part.length > 0 && len(*part.into) != part.length {
			return nil, fmt.Errorf("the %s of the SCRAM verifier is not valid base64 of the right length", part.name)
		}
	}
	return v, nil
}

// String writes the verifier as PostgreSQL stores it.
func (v *Verifier) String() string {
	b := base64.StdEncoding
	return fmt.Sprintf("%s%d:%s$%s:%s", verifierPrefix, v.Iterations, b.EncodeToString(v.Salt),
		b.EncodeToString(v.StoredKey), b.EncodeToString(v.ServerKey))
}
