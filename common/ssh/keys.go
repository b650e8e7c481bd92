package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// A ring is the private keys that are tried, and why others are not.
type ring struct {
	signers []ssh.Signer
	tried   []string // where they are from
	skipped []string // "FILE: reason"
	agent   net.Conn
}

// keys collects them: the file that is named, or else those of the agent and of ~/.ssh. The one called after Pgpool-II is
// what its manual has users make.
func (t Target) keys() (*ring, error) {
	r := &ring{}
	if t.Key != "" {
		if err := r.add(t.Key); err != nil {
			return nil, err
		}
		return r, nil
	}
	if t.Agent != "" {
		r.ask(t.Agent)
	}
	me, err := user.Current()
	if err != nil {
		r.close()
		return nil, err
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa", "id_rsa_pgpool"} {
		path := filepath.Join(me.HomeDir, ".ssh", name)
		if !exists(path) {
			continue
		}
		if err := r.add(path); err != nil {
			r.skipped = append(r.skipped, err.Error())
		}
	}
	if len(r.signers) == 0 {
		defer r.close()
		why := "there is none in " + filepath.Join(me.HomeDir, ".ssh")
		if len(r.skipped) > 0 {
			why = strings.Join(r.skipped, "; ")
		}
		return nil, fmt.Errorf("no private key to log in to %s with (%s): make one by \"ssh-keygen -t ed25519\", and give it to the host by \"ssh-copy-id -p %d %s@%s\", or name one by recovery_ssh_key",
			t.name(), why, t.Port, t.User, t.Host)
	}
	return r, nil
}

// add reads a private key.
func (r *ring) add(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the private key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return fmt.Errorf("%s has a passphrase: load it into an agent (ssh-add %s), or use a key without", path, path)
	case err != nil:
		return fmt.Errorf("%s is no private key: %w", path, err)
	}
	r.signers, r.tried = append(r.signers, signer), append(r.tried, path)
	return nil
}

// ask gets the keys of an agent. It must stay connected: it is the agent that signs.
func (r *ring) ask(socket string) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		r.skipped = append(r.skipped, fmt.Sprintf("the agent: %v", err))
		return
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil || len(signers) == 0 {
		conn.Close()
		if err != nil {
			r.skipped = append(r.skipped, fmt.Sprintf("the agent: %v", err))
		}
		return
	}
	r.agent, r.signers, r.tried = conn, signers, []string{"the agent's"}
}

func (r *ring) close() {
	if r.agent != nil {
		r.agent.Close()
	}
}

// refused says that none of the keys opens the door.
func (r *ring) refused(t Target) error {
	text := fmt.Sprintf("%s refuses user %s with the keys tried (%s)", t.Host, t.User, strings.Join(r.tried, ", "))
	if len(r.skipped) > 0 {
		text += " and not tried: " + strings.Join(r.skipped, "; ")
	}
	return fmt.Errorf("%s: give it one by \"ssh-copy-id -p %d %s@%s\", or name another key or user by recovery_ssh_key and recovery_ssh_user", text, t.Port, t.User, t.Host)
}
