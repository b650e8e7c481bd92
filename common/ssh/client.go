package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Client is a connection to a host. Its methods may be called from several goroutines.
type Client struct {
	name   string
	client *ssh.Client
	done   chan struct{}
	close  sync.Once
	alive  sync.WaitGroup
}

// Dial logs in.
func Dial(ctx context.Context, to Target) (*Client, error) {
	to, err := to.complete()
	if err != nil {
		return nil, err
	}
	check, algorithms, err := to.known()
	if err != nil {
		return nil, fmt.Errorf("log in to %s: %w", to.name(), err)
	}
	keys, err := to.keys()
	if err != nil {
		return nil, err
	}
	defer keys.close()
	late := fmt.Errorf("no answer within %v: %w", to.Timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, to.Timeout, late)
	defer cancel()
	client, err := to.connect(ctx, &ssh.ClientConfig{User: to.User, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(keys.signers...)}})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, fmt.Errorf("log in to %s: %w", to.name(), context.Cause(ctx))
	case strings.Contains(err.Error(), "unable to authenticate"):
		return nil, keys.refused(to)
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("log in to %s: %w: is sshd running there, and on this port (recovery_ssh_port)?", to.name(), err)
	default:
		return nil, fmt.Errorf("log in to %s: %w", to.name(), err)
	}
	c := &Client{name: to.name(), client: client, done: make(chan struct{})}
	c.alive.Go(c.keepalive)
	return c, nil
}

func (t Target) connect(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.addr())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, t.addr(), config)
	if err != nil || !stop() {
		conn.Close()
		return nil, errors.Join(err, ctx.Err())
	}
	return ssh.NewClient(c, channels, requests), nil
}

// Name is user@host, as messages call it.
func (c *Client) Name() string { return c.name }

// Close ends the connection, and with it the programs that wait for their input.
func (c *Client) Close() error {
	c.close.Do(func() { close(c.done) })
	err := c.client.Close()
	c.alive.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// beat is how often the other side is asked whether it is there, and silence for how long it may not answer.
const (
	beat    = 5 * time.Second
	silence = 20 * time.Second
)

// keepalive ends the connection to a host that does not answer.
func (c *Client) keepalive() {
	answered := make(chan error, 1)
	for {
		select {
		case <-c.done:
			return
		case <-time.After(beat):
		}
		c.alive.Go(func() {
			_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		})
		select {
		case err := <-answered:
			if err == nil {
				continue
			}
		case <-time.After(silence):
		}
		c.client.Close() // the answer to the request is then an error
		return
	}
}
