package ssh

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// known verifies the host's key, and tells which kinds of key are known of it: a server that has several must be asked
// for one of these.
func (t Target) known() (check ssh.HostKeyCallback, algorithms []string, err error) {
	files := slices.DeleteFunc(slices.Clone(t.KnownHosts), func(f string) bool { return !exists(f) })
	db, err := knownhosts.New(files...)
	if err != nil {
		return nil, nil, fmt.Errorf("read the known hosts: %w", err)
	}
	// A key that nobody has: the answer lists those that are known.
	stranger, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil, nil, err
	}
	var answer *knownhosts.KeyError
	if !errors.As(db(t.addr(), &net.TCPAddr{}, stranger), &answer) || len(answer.Want) == 0 {
		return nil, nil, t.stranger()
	}
	for _, k := range answer.Want {
		kinds := []string{k.Key.Type()}
		if k.Key.Type() == ssh.KeyAlgoRSA {
			kinds = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		}
		algorithms = append(algorithms, kinds...)
	}
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		// The name alone counts, as for ssh with CheckHostIP off: addresses move.
		return t.judge(db(host, &net.TCPAddr{}, key), key)
	}, algorithms, nil
}

// stranger says what to do about a host that is not known.
func (t Target) stranger() error {
	return fmt.Errorf("%s is in none of %v: get its key by \"ssh-keyscan -p %d %s >> %s\", and compare it with what \"ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\" says there",
		knownhosts.Normalize(t.addr()), t.KnownHosts, t.Port, t.Host, t.KnownHosts[0])
}

// judge puts the verdict on a host's key into words.
func (t Target) judge(err error, key ssh.PublicKey) error {
	var answer *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return fmt.Errorf("its key %s is revoked in %s:%d", ssh.FingerprintSHA256(key), revoked.Revoked.Filename, revoked.Revoked.Line)
	case errors.As(err, &answer) && len(answer.Want) > 0:
		want := answer.Want[0]
		return fmt.Errorf("its key has changed, or this is another host: it shows %s, and %s:%d has %s: when the host was set up anew, remove the old line by \"ssh-keygen -R '%s' -f %s\" and get the new key by ssh-keyscan",
			ssh.FingerprintSHA256(key), want.Filename, want.Line, ssh.FingerprintSHA256(want.Key), knownhosts.Normalize(t.addr()), want.Filename)
	case errors.As(err, &answer):
		return t.stranger()
	}
	return err
}
