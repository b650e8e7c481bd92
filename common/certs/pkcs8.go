package certs

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// The structures of an encrypted key as openssl writes it: PKCS #8 (RFC 5958, section 3) with PBES2
// and PBKDF2 (RFC 8018, appendix A).
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		Derivation, Encryption pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

var (
	// prfs are the hashes by HMAC's identifier; PBKDF2's default is the first.
	prfs = map[string]func() hash.Hash{
		"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New,
		"1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
	}
	// aesKeys are the key lengths in bytes of AES in CBC mode.
	aesKeys = map[string]int{
		"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32,
	}
)

var errForm = errors.New("the encryption is not PBES2 with PBKDF2 and AES: convert the key with openssl pkcs8 -topk8 -v2 aes-256-cbc")

// decryptPKCS8 returns the DER of the private key.
func decryptPKCS8(der, word []byte) ([]byte, error) {
	var key encryptedKey
	var params pbes2Params
	var derivation pbkdf2Params
	var iv []byte
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, err
	}
	if key.Algorithm.Algorithm.String() != oidPBES2 {
		return nil, errForm
	}
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	length := aesKeys[params.Encryption.Algorithm.String()]
	if params.Derivation.Algorithm.String() != oidPBKDF2 || length == 0 {
		return nil, errForm
	}
	if _, err := asn1.Unmarshal(params.Derivation.Parameters.FullBytes, &derivation); err != nil {
		return nil, err
	}
	if _, err := asn1.Unmarshal(params.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	prf := prfs[derivation.PRF.Algorithm.String()]
	if prf == nil || len(iv) != aes.BlockSize || len(key.Data) == 0 || len(key.Data)%aes.BlockSize != 0 {
		return nil, errForm
	}
	if derivation.Iterations < 1 || derivation.Iterations > 10_000_000 {
		return nil, fmt.Errorf("%d iterations", derivation.Iterations)
	}
	derived, err := pbkdf2.Key(prf, string(word), derivation.Salt, derivation.Iterations, length)
	if err != nil {
		return nil, err
	}
	return unseal(derived, iv, key.Data)
}

func unseal(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	text := bytes.Clone(data)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.HasSuffix(text, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errors.New("wrong passphrase")
	}
	return text[:len(text)-pad], nil
}
