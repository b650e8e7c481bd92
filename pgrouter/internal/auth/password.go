package auth

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/passwd"
)

// maxAnswer is the longest message in bytes that a client may send to prove who it is, as in the server.
const maxAnswer = 65535

// password asks for the clear password and compares it with whatever form is stored. When none is
// stored the backend judges.
func (g *guest) password(s passwd.Secret) error {
	given, err := g.askClear()
	if err != nil {
		return err
	}
	if !s.Usable() {
		if g.door.Dial == nil {
			return g.wrong(noEntry)
		}
		return g.judge(given)
	}
	if !g.same(s, given) {
		return g.wrong(mismatch)
	}
	g.client.Credential = NewCredential(g.door.Keys, passwd.ClearSecret(given))
	return nil
}

// same compares a clear password with a stored form.
func (g *guest) same(s passwd.Secret, given string) bool {
	if clear, ok := s.Clear(); ok {
		return subtle.ConstantTimeCompare([]byte(clear), []byte(given)) == 1
	}
	if hash, ok := s.MD5(); ok {
		return subtle.ConstantTimeCompare([]byte(hash), []byte(passwd.HashMD5(g.client.User, given))) == 1
	}
	v, ok := s.SCRAM()
	if !ok {
		return false
	}
	key := g.door.Keys.derive(given, string(v.Salt), v.Iterations)
	return subtle.ConstantTimeCompare(v.StoredKey, key.stored) == 1
}

// askClear asks for the password in clear.
func (g *guest) askClear() (string, error) {
	if err := g.send(&pgproto3.AuthenticationCleartextPassword{}); err != nil {
		return "", err
	}
	return g.passwordMessage()
}

// md5 is the challenge of the md5 method. A stored SCRAM verifier is checked by SCRAM, as PostgreSQL
// does on md5 lines.
func (g *guest) md5(s passwd.Secret) error {
	if _, ok := s.SCRAM(); ok {
		return g.scram(s)
	}
	salt, err := g.door.Keys.bytes(4)
	if err != nil {
		return err
	}
	if err := g.send(&pgproto3.AuthenticationMD5Password{Salt: [4]byte(salt)}); err != nil {
		return err
	}
	answer, err := g.passwordMessage()
	if err != nil {
		return err
	}
	hash, ok := s.MD5()
	if clear, isClear := s.Clear(); isClear {
		hash, ok = passwd.HashMD5(g.client.User, clear), true
	}
	if !ok {
		return g.wrong(noEntry)
	}
	if subtle.ConstantTimeCompare([]byte(answer), []byte(md5Answer(hash, salt))) != 1 {
		return g.wrong(mismatch)
	}
	return nil
}

// md5Answer is what proves to know hash, for the salt of one login (protocol manual, "Protocol Flow").
func md5Answer(hash string, salt []byte) string {
	sum := md5.Sum(append([]byte(hash[len("md5"):]), salt...))
	return "md5" + hex.EncodeToString(sum[:])
}

// send writes one message.
func (g *guest) send(m pgproto3.Message) error {
	if _, err := g.conn.Write(encode(m)); err != nil {
		return fmt.Errorf("ask the client for its password: %w", err)
	}
	return nil
}

// answer reads one message of type 'p', and not a byte more.
func (g *guest) answer() ([]byte, error) {
	var header [5]byte
	if _, err := io.ReadFull(g.conn, header[:1]); err != nil {
		return nil, fmt.Errorf("read the client's password: %w", err)
	}
	if header[0] == 'X' {
		return nil, fmt.Errorf("read the client's password: it left: %w", io.EOF)
	}
	if header[0] != 'p' {
		return nil, &Refusal{Code: codeProtocol,
			Message: fmt.Sprintf("expected password response, got message type %d", header[0])}
	}
	if _, err := io.ReadFull(g.conn, header[1:]); err != nil {
		return nil, fmt.Errorf("read the client's password: %w", err)
	}
	n := binary.BigEndian.Uint32(header[1:])
	if n < 4 || n > maxAnswer {
		return nil, &Refusal{Code: codeProtocol, Message: fmt.Sprintf(
			"invalid length of password response: %d bytes, allowed are 4 to %d", n, maxAnswer)}
	}
	body := make([]byte, n-4)
	if _, err := io.ReadFull(g.conn, body); err != nil {
		return nil, fmt.Errorf("read the client's password: %w", err)
	}
	return body, nil
}

// passwordMessage reads a PasswordMessage.
func (g *guest) passwordMessage() (string, error) {
	body, err := g.answer()
	if err != nil {
		return "", err
	}
	text, err := cString(body)
	if err != nil {
		return "", &Refusal{Code: codeProtocol, Message: "invalid password packet size"}
	}
	if text == "" {
		return "", &Refusal{Code: codePassword, Message: "empty password returned by client"}
	}
	return text, nil
}
