// Package crewtest stands in for the tools that pcpd asks: it serves their control sockets with the answers of a test.
package crewtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
)

// An Answer is what a tool says to an operation: JSON as a string, an error, nil for nothing, or a Func.
type Answer any

// A Func answers when it is asked.
type Func func(ctx context.Context, r control.Request) (any, error)

// A Crew is a folder with control sockets.
type Crew struct {
	Dir string

	mu    sync.Mutex
	asked []string
}

// New makes the folder. Its name is short, as that of a socket must be.
func New(t testing.TB) *Crew {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pcpd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &Crew{Dir: dir}
}

// Serve runs a tool, such as pgwatch, with an answer to each operation, until the test ends or stop is called.
func (c *Crew) Serve(t testing.TB, tool string, answers map[string]Answer) (stop func()) {
	t.Helper()
	s, err := control.Listen(filepath.Join(c.Dir, tool+".sock"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- s.Serve(ctx, func(ctx context.Context, _ control.Peer, r control.Request) (any, error) {
			c.note(tool, r)
			return reply(ctx, answers, r)
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the %s of the test: %v", tool, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func reply(ctx context.Context, answers map[string]Answer, r control.Request) (any, error) {
	answer, known := answers[r.Op]
	if !known {
		return nil, control.Unknown(r.Op)
	}
	switch a := answer.(type) {
	case error:
		return nil, a
	case string:
		return json.RawMessage(a), nil
	case Func:
		return a(ctx, r)
	}
	return answer, nil
}

func (c *Crew) note(tool string, r control.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", tool, r.Op, r.Args)))
}

// Asked returns the requests since the last call, as "pgwatch node.attach {"node":1}".
func (c *Crew) Asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.asked
	c.asked = nil
	return all
}

// Config reads a configuration whose sockets are in the folder: two backends, and more lines.
func (c *Crew) Config(t testing.TB, lines ...string) *config.Config {
	t.Helper()
	path := c.Write(t, "pgpool.conf", c.Text(lines...))
	parsed, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Text is the configuration that Config reads.
func (c *Crew) Text(lines ...string) string {
	return fmt.Sprintf(`run_directory = '%s'
unix_socket_directories = ''
backend_hostname0 = 'db1'
backend_port0 = 5432
backend_weight0 = 1
backend_hostname1 = 'db2'
backend_port1 = 5433
backend_weight1 = 3
%s
`, c.Dir, strings.Join(lines, "\n"))
}

// Write writes a file into the folder.
func (c *Crew) Write(t testing.TB, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// With returns answers with others added or in their place.
func With(answers map[string]Answer, more map[string]Answer) map[string]Answer {
	all := maps.Clone(answers)
	maps.Copy(all, more)
	return all
}
