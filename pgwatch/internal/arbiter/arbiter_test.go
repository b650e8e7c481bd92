package arbiter

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// first is what the first round says.
func first(t *testing.T, s Settings) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s.Every, s.Limit = time.Millisecond, 10*time.Second
	word := ""
	s.Watch(ctx, func(w string) { word = w; cancel() })
	return word
}

func TestOneIsEnough(t *testing.T) {
	s := Settings{Servers: []string{"false", "true"}, Command: "%h"}
	if got := first(t, s); got != Reached {
		t.Errorf("it says %q", got)
	}
	s.Servers = []string{"false", "exit 2"}
	if got := first(t, s); got != Lost {
		t.Errorf("it says %q", got)
	}
}

func TestHangingCommand(t *testing.T) {
	s := Settings{Servers: []string{"sleep 1000 & sleep 1000"}, Command: "%h", Limit: 50 * time.Millisecond}
	if got := s.ask(t.Context()); got != Lost {
		t.Errorf("it says %q", got)
	}
}
