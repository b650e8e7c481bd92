package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// passphraseTime bounds how long ssl_passphrase_command may take.
const passphraseTime = time.Minute

// readPrivateKey reads a key in PEM form and decrypts it with the passphrase that the command prints.
// The file must be as private as PostgreSQL wants it: nobody else may read it, or, when root owns it,
// nobody outside its group.
func readPrivateKey(path, command string) ([]byte, error) {
	if err := private(path); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return text, nil // what is wrong with it, if anything, says who reads it
		}
		//lint:ignore SA1019 the form is weak and still in use
		old := x509.IsEncryptedPEMBlock(block)
		if !old && block.Type != "ENCRYPTED PRIVATE KEY" {
			continue
		}
		if command == "" {
			return nil, errors.New("the key is encrypted and ssl_passphrase_command is not set")
		}
		word, err := passphrase(command)
		if err != nil {
			return nil, err
		}
		if old {
			//lint:ignore SA1019 see above
			der, err := x509.DecryptPEMBlock(block, word)
			if err != nil {
				return nil, fmt.Errorf("decrypt the key: %w", err)
			}
			return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
		}
		der, err := decryptPKCS8(block.Bytes, word)
		if err != nil {
			return nil, fmt.Errorf("decrypt the key: %w", err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
}

func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a plain file")
	}
	forbidden := os.FileMode(0o077)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 {
		forbidden = 0o037
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		return fmt.Errorf("others have access to the private key (mode %04o): chmod 0600, or 0640 when root owns it", mode)
	}
	return nil
}

// passphrase runs ssl_passphrase_command, where %p stands for the prompt, and returns its first line.
func passphrase(command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), passphraseTime)
	defer cancel()
	line := strings.NewReplacer("%%", "%", "%p", "'Enter PEM pass phrase:'").Replace(command)
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ssl_passphrase_command %q: %w", command, err)
	}
	word, _, _ := bytes.Cut(out, []byte("\n"))
	return bytes.TrimSuffix(word, []byte("\r")), nil
}
