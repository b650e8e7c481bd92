package host

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// busy is the status of our script when somebody else has the lock.
const busy = 75

// lockScript holds two locks: that of a file beside the data directory $1, and that of the directory itself, which pgrecover
// follow and start take. Before that it waits for the jobs of somebody who died. It prints a line when it has them, and one
// every few seconds, so that sshd notices when nobody listens any more.
const lockScript = `umask 077; exec 9>>"$1.pgrecover.lock" || exit 1; flock -n 9 || exit 75; ` +
	`if [ -d "$1" ]; then exec 8<"$1"; flock -n 8 || exit 75; fi; ` +
	`( exec 7>>"$1.pgrecover.job"; flock -w 20 7 ) 9>&- 8>&- || exit 75; ` +
	`echo locked; while sleep 3 9>&- 8>&-; do echo; done`

// jobScript runs a program that Lock waits for when its caller died.
const jobScript = `umask 077; exec 7>>"$1.pgrecover.job" && flock -s 7 && shift && exec "$@"`

// Lock keeps other pgrecover from a data directory, on that host and from any other, until it is released. The locks end
// with us, however we end. lost ends when they are lost: with the connection.
func Lock(ctx context.Context, h Host, dataDirectory string) (lost context.Context, release func(), err error) {
	lost, lose := context.WithCancelCause(ctx)
	hold, end := context.WithCancel(context.WithoutCancel(ctx))
	w := &firstLine{seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		err := h.Run(hold, Cmd{Args: Shell(lockScript, dataDirectory), Stdout: w})
		lose(fmt.Errorf("the lock of %s is lost: %w", dataDirectory, err))
		ended <- err
	}()
	var once sync.Once
	release = func() {
		once.Do(func() {
			end()
			<-ended
		})
	}
	select {
	case <-w.seen:
		return lost, release, nil
	case <-ctx.Done():
		release()
		return nil, nil, context.Cause(ctx)
	case err = <-ended:
		end()
		if Status(err) == busy {
			err = fmt.Errorf("%s on %s: another pgrecover works on it: wait for its end", dataDirectory, h.Name())
		}
		return nil, nil, err
	}
}

// Job makes a command one that Lock waits for. Programs that write into the data directory and run for long are jobs.
func Job(dataDirectory string, args ...string) []string {
	return Shell(jobScript, append([]string{dataDirectory}, args...)...)
}

// firstLine closes seen when a line comes.
type firstLine struct {
	once sync.Once
	seen chan struct{}
}

func (f *firstLine) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "\n") {
		f.once.Do(func() { close(f.seen) })
	}
	return len(p), nil
}
