package passwd

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
)

const blockSize = aes.BlockSize

// Key encrypts and decrypts the AES form of pool_passwd.
//
// The form is AES-256-CBC with key and initialisation vector from OpenSSL's EVP_BytesToKey over
// SHA-1, one round, no salt: the same password and key always give the same text. It hides a
// password from a glance, not from somebody who has the key file.
type Key struct {
	Name string // where it was read, for messages
	key  [32]byte
	iv   [blockSize]byte
}

// NewKey derives a Key from the word in a key file.
func NewKey(name string, word []byte) *Key {
	var derived, last []byte
	for len(derived) < 32+blockSize {
		sum := sha1.Sum(append(last, word...))
		last = bytes.Clone(sum[:])
		derived = append(derived, last...)
	}
	k := &Key{Name: name}
	copy(k.key[:], derived)
	copy(k.iv[:], derived[32:])
	return k
}

// KeyPath returns where Pgpool-II looks for the key file: flag, else $PGPOOLKEYFILE, else .pgpoolkey
// in the home directory. It is "" when there is no place to look.
func KeyPath(flag string, getenv func(string) string, home string) string {
	if flag != "" {
		return flag
	}
	if path := getenv("PGPOOLKEYFILE"); path != "" {
		return path
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".pgpoolkey")
}

// FindKey reads the key file of this process's user, or the one at flag if that is not empty.
// No file at a place that nobody named is no error and no key.
func FindKey(flag string) (*Key, []Problem, error) {
	path := KeyPath(flag, os.Getenv, homeDir())
	if path == "" {
		return nil, nil, nil
	}
	key, warnings, err := ReadKey(path)
	named := flag != "" || os.Getenv("PGPOOLKEYFILE") != ""
	if errors.Is(err, os.ErrNotExist) && !named {
		return nil, nil, nil
	}
	return key, warnings, err
}

// homeDir returns $HOME, or the home directory of the process's user, because services have no $HOME.
func homeDir() string {
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// ReadKey reads the first line of the file at path. A file that others may read is used and warned of.
func ReadKey(path string) (*Key, []Problem, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read key file: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read key file: %w", err)
	}
	word, _, _ := bytes.Cut(text, []byte("\n"))
	if len(word) == 0 {
		return nil, nil, fmt.Errorf("read key file %s: its first line is empty", path)
	}
	var warnings []Problem
	if info.Mode().Perm()&0o077 != 0 {
		warnings = append(warnings, Problem{File: path, Line: 0, Text: fmt.Sprintf(
			"group or others may read the key (mode %04o): chmod 0600", info.Mode().Perm())})
	}
	return NewKey(path, word), warnings, nil
}

// Encrypt returns the entry AES... for a password.
func (k *Key) Encrypt(password string) string {
	pad := blockSize - len(password)%blockSize
	text := append([]byte(password), bytes.Repeat([]byte{byte(pad)}, pad)...)
	k.mode(cipher.NewCBCEncrypter).CryptBlocks(text, text)
	return "AES" + base64.StdEncoding.EncodeToString(text)
}

var errKey = errors.New("wrong key")

// decrypt takes a whole number of blocks, at least one.
func (k *Key) decrypt(sealed []byte) (string, error) {
	text := bytes.Clone(sealed)
	k.mode(cipher.NewCBCDecrypter).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > blockSize || pad >= len(text) {
		return "", errKey
	}
	for _, c := range text[len(text)-pad:] {
		if int(c) != pad {
			return "", errKey
		}
	}
	clear := text[:len(text)-pad]
	if bytes.IndexByte(clear, 0) >= 0 {
		return "", errKey
	}
	return string(clear), nil
}

func (k *Key) mode(make func(cipher.Block, []byte) cipher.BlockMode) cipher.BlockMode {
	block, err := aes.NewCipher(k.key[:])
	if err != nil {
		panic(err) // only a key of another length than 32 bytes
	}
	return make(block, k.iv[:])
}
