package auth

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxIterations bounds the work that a server may make us do; it takes about a second.
const maxIterations = 2_000_000

// errOtherKey is a SCRAM key that a client's login gave us and that belongs to another verifier than
// the server's.
var errOtherKey = errors.New("the server's SCRAM verifier is another one")

// scramClient plays the client of a SCRAM-SHA-256 exchange. It is our own because it works from keys
// derived earlier, or taken from another client's proof, and libraries want the password.
type scramClient struct {
	credential Credential
	header     string // gs2-header: channel binding flag and no authorization identity
	binding    []byte // channel binding data, with flag p only
	nonce      string

	message string // the AuthMessage, as far as it is known
	key     *scramKey
}

// first returns the client-first-message. The user is left empty, as libpq does: the server takes the
// one of the startup packet.
func (s *scramClient) first() string {
	s.message = "n=,r=" + s.nonce
	return s.header + s.message
}

// final returns the client-final-message to a server-first-message.
func (s *scramClient) final(serverFirst string) (string, error) {
	nonce, salt, count, err := parseServerFirst(serverFirst)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(nonce, s.nonce) || len(nonce) == len(s.nonce) {
		return "", errors.New("the server's nonce does not extend ours")
	}
	switch {
	case s.credential.clear != "":
		s.key = s.credential.keys.derive(s.credential.clear, salt, count)
	case s.credential.scram.salt == salt && s.credential.scram.iterations == count:
		s.key = s.credential.scram
	default:
		return "", errOtherKey
	}
	bare := "c=" + base64.StdEncoding.EncodeToString(append([]byte(s.header), s.binding...)) + ",r=" + nonce
	s.message += "," + serverFirst + "," + bare
	proof := mac(s.key.stored, s.message)
	for i := range proof {
		proof[i] ^= s.key.client[i]
	}
	return bare + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

// verify checks the server-final-message: only who has the verifier can have signed it.
func (s *scramClient) verify(serverFinal string) error {
	if text, ok := strings.CutPrefix(serverFinal, "e="); ok {
		return fmt.Errorf("the server says %q", text)
	}
	text, ok := strings.CutPrefix(serverFinal, "v=")
	text, _, _ = strings.Cut(text, ",")
	signature, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		return errors.New("malformed server-final-message")
	}
	if s.key == nil || !hmac.Equal(signature, mac(s.key.server, s.message)) {
		return errors.New("the server does not know the password's verifier: it is not the server it claims to be")
	}
	return nil
}

// parseServerFirst reads r=nonce,s=salt,i=count and ignores extensions behind them.
func parseServerFirst(text string) (nonce, salt string, count int, err error) {
	fields := strings.SplitN(text, ",", 4)
	if len(fields) < 3 {
		return "", "", 0, errors.New("malformed server-first-message")
	}
	nonce, ok1 := strings.CutPrefix(fields[0], "r=")
	encoded, ok2 := strings.CutPrefix(fields[1], "s=")
	digits, ok3 := strings.CutPrefix(fields[2], "i=")
	raw, err1 := base64.StdEncoding.DecodeString(encoded)
	count, err2 := strconv.Atoi(digits)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || len(raw) == 0 {
		return "", "", 0, errors.New("malformed server-first-message")
	}
	if count < 1 || count > maxIterations {
		return "", "", 0, fmt.Errorf("the server asks for %d iterations: allowed are 1 to %d", count, maxIterations)
	}
	return nonce, string(raw), count, nil
}
