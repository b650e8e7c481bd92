package ssh

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"
)

// A Target is how to log in to a host.
type Target struct {
	Host       string
	Port       int           // 0 is 22
	User       string        // "" is the user of this process
	Key        string        // file of the only private key to try; "" is the agent, and those of ~/.ssh
	Agent      string        // socket of the agent, usually $SSH_AUTH_SOCK; "" for none
	KnownHosts []string      // files; nil is ~/.ssh/known_hosts and those in /etc/ssh
	Timeout    time.Duration // until the login is done; 0 is 10 s
}

const defaultTimeout = 10 * time.Second

// complete fills in what was left out.
func (t Target) complete() (Target, error) {
	me, err := user.Current()
	if err != nil {
		return t, err
	}
	if t.Port == 0 {
		t.Port = 22
	}
	if t.User == "" {
		t.User = me.Username
	}
	if t.Timeout == 0 {
		t.Timeout = defaultTimeout
	}
	if t.KnownHosts == nil {
		t.KnownHosts = []string{filepath.Join(me.HomeDir, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	}
	return t, nil
}

// addr is host:port.
func (t Target) addr() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// name is how messages call it.
func (t Target) name() string {
	if t.Port == 22 {
		return t.User + "@" + t.Host
	}
	return t.User + "@" + t.addr()
}

// exists tells whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
