package frame

import (
	"crypto/md5"
	"encoding/hex"
)

// SaltSize is how many random bytes the server sends. A salt serves for one try.
const SaltSize = 4

// Answer proves that a user knows the password whose md5 sum, in hexadecimal as pcp.conf has it, is hash: the sum is mixed
// with the user's name and then with the salt, each time over the hexadecimal digits.
func Answer(user, hash string, salt [SaltSize]byte) string {
	return sum(sum(hash+user) + string(salt[:]))
}

func sum(text string) string {
	s := md5.Sum([]byte(text))
	return hex.EncodeToString(s[:])
}
