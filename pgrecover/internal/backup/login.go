package backup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/conninfo"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// connectLimit is for each login, in seconds.
const connectLimit = "10"

// login chooses how the node will log in to the primary, and tries it from the node's host: the primary's pg_hba.conf may
// not let it in, and its name may lead elsewhere from there.
func (b *Backup) login(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "login", Node: &b.Node.ID}, func(st *step.Step) error {
		choice, err := b.Want(b.before(ctx), true)
		if err != nil {
			return err
		}
		b.want, st.Detail = choice.Settings, choice
		info, password, err := b.connection()
		if err != nil {
			return err
		}
		said, err := b.identify(ctx, info, password)
		if err != nil {
			return err
		}
		if system, _, _ := strings.Cut(said, "|"); system != b.source.system {
			return refuse("set a backend_hostname that leads to it from every host",
				"from %s, %s:%d is not node %d (system identifiers %q and %s)", b.Host.Name(), b.To.Host, b.To.Port, b.To.ID, system, b.source.system)
		}
		return nil
	})
}

// before are the settings of the old data; none of them when it cannot be read.
func (b *Backup) before(ctx context.Context) standby.Settings {
	values, err := b.Server.Settings(ctx, standby.Names...)
	if err != nil {
		return standby.Settings{}
	}
	return standby.Of(values)
}

// connection is how the programs on the node's host log in to the primary, the password apart.
func (b *Backup) connection() (info conninfo.Conninfo, password string, err error) {
	info, err = conninfo.Parse(b.want.PrimaryConnInfo)
	if err != nil {
		return nil, "", err
	}
	password = info.Get("password")
	info = slices.DeleteFunc(info, func(p conninfo.Pair) bool { return p.Key == "password" })
	return info.With("connect_timeout", connectLimit).With("application_name", b.To.Tool), password, nil
}

// identify asks the primary who it is in a replication session, as the WAL receiver does first.
func (b *Backup) identify(ctx context.Context, info conninfo.Conninfo, password string) (string, error) {
	var out strings.Builder
	err := b.Host.Run(ctx, host.Cmd{Stdout: &out, Password: password,
		Args: []string{path.Join(b.Server.Bin, "psql"), "-w", "-X", "-A", "-t", "-c", "IDENTIFY_SYSTEM", "-d", info.With("replication", "1").String()}})
	if err == nil {
		return out.String(), nil
	}
	var failed *host.Error
	if errors.As(err, &failed) {
		if mend := b.loginMend(failed.Said, info.Get("user")); mend != "" {
			return "", refuse(mend, "node %d cannot log in to node %d (%s) for replication: %s", b.Node.ID, b.To.ID, b.To.Addr(), failed.Said)
		}
	}
	return "", err
}

var noEntry = regexp.MustCompile(`no pg_hba.conf entry for replication connection from host "([^"]*)"`)

// loginMend says what helps against a login that failed; "" when it is not known.
func (b *Backup) loginMend(said, user string) string {
	switch m := noEntry.FindStringSubmatch(said); {
	case m != nil:
		mask := "/32"
		if strings.Contains(m[1], ":") {
			mask = "/128"
		}
		return fmt.Sprintf(`add "host replication %s %s%s scram-sha-256" to pg_hba.conf of node %d, and reload it`, user, m[1], mask, b.To.ID)
	case strings.Contains(said, "authentication failed"):
		return fmt.Sprintf("correct recovery_password, or the line for %s in .pgpass of the owner of the data on %s", user, b.Host.Name())
	case strings.Contains(said, "no password supplied"), strings.Contains(said, "fe_sendauth"):
		return fmt.Sprintf("set recovery_password, or add a line for %s to .pgpass of the owner of the data on %s", user, b.Host.Name())
	case strings.Contains(said, "must be superuser or replication role"), strings.Contains(said, "permission denied to start WAL sender"):
		return fmt.Sprintf("ALTER ROLE %s REPLICATION", user)
	case strings.Contains(said, "number of requested standby connections exceeds"):
		return fmt.Sprintf("set a larger max_wal_senders on node %d and restart it", b.To.ID)
	}
	return ""
}
