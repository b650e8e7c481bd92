package host

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/common/ssh"
)

// remote is a host over SSH.
type remote struct {
	client *ssh.Client
	become []string // what runs a shell line as the owner; nil when the login is the owner's
}

// ownerScript prints the owner of a path, or of the nearest folder above it that is there, and his group, then the user's name
// and number. PostgreSQL does not run as root.
const ownerScript = `d=$1; while [ ! -e "$d" ] && [ "$d" != / ]; do d=$(dirname "$d"); done; ` +
	`o=$(stat -c %U "$d") || exit 1; if [ "$o" = root ]; then o=postgres; fi; echo "$o"; id -gn "$o" && id -un && id -u`

// Remote logs in to a host, on which a data directory is or will be. When the user of the login is not the owner, programs
// are run as the owner: by setpriv for root, since su talks to PAM and the journal each time, and by sudo for others.
func Remote(ctx context.Context, to ssh.Target, dataDirectory string) (Host, error) {
	if !strings.HasPrefix(dataDirectory, "/") {
		return nil, fmt.Errorf("the data directory %q is not an absolute path: set backend_data_directory", dataDirectory)
	}
	client, err := ssh.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	r := &remote{client: client}
	if err := r.findOwner(ctx, dataDirectory); err != nil {
		client.Close()
		return nil, err
	}
	return r, nil
}

func (r *remote) findOwner(ctx context.Context, dir string) error {
	out, err := Output(ctx, r, Shell(ownerScript, dir)...)
	if err != nil {
		return err
	}
	words := strings.Fields(out)
	if len(words) != 4 {
		return fmt.Errorf("%s: the owner of %s cannot be told from %q: its shell prints something at each login", r.Name(), dir, out)
	}
	owner, group, user := words[0], words[1], words[2]
	switch {
	case owner == user:
		return nil
	case words[3] == "0":
		r.become = []string{"setpriv", "--reuid=" + owner, "--regid=" + group, "--init-groups", "--reset-env", "/bin/sh", "-c"}
	default:
		r.become = []string{"sudo", "-n", "-H", "-u", owner, "--", "/bin/sh", "-c"}
	}
	if err := r.Run(ctx, Cmd{Args: []string{"true"}}); err != nil {
		return fmt.Errorf("%s belongs to %s, and %s may not run programs as that user: log in as %s (recovery_ssh_user), or add \"%s ALL=(%s) NOPASSWD: /bin/sh\" to a file in /etc/sudoers.d there: %w",
			dir, owner, user, owner, user, owner, err)
	}
	return nil
}

// Name implements Host.
func (r *remote) Name() string { return r.client.Name() }

// Close implements Host.
func (r *remote) Close() error { return r.client.Close() }

// Run implements Host.
func (r *remote) Run(ctx context.Context, c Cmd) error {
	command := line(c.script())
	if r.become != nil {
		command = line(append(r.become[:len(r.become):len(r.become)], command))
	}
	in := ssh.Input{Text: c.Stdin}
	if c.Stdin == nil {
		in = ssh.Input{Text: strings.NewReader(c.Password + "\n"), Hold: true}
	}
	said := &said{progress: c.Progress}
	return failed(ctx, r, c, r.client.Run(ctx, command, in, c.Stdout, said), said)
}
