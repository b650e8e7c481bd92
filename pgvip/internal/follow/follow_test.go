package follow

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hello = `{"v":1,"type":"hello","seq":1}` + "\n"

// told words what came.
func told(items <-chan Item, n int) string {
	var all []string
	for range n {
		i, ok := <-items
		switch {
		case !ok:
			all = append(all, "closed")
		case i.End != nil:
			all = append(all, "end: "+i.End.Error())
		default:
			all = append(all, i.Event.Type)
		}
	}
	return strings.Join(all, ", ")
}

func TestReader(t *testing.T) {
	if got, want := told(Reader(strings.NewReader(hello+`{"type":"bye","seq":2}`)), 4), "hello, bye, end: EOF, closed"; got != want {
		t.Errorf("got %s, wanted %s", got, want)
	}
	if got, want := told(Reader(strings.NewReader(hello+"x\n")), 3), "hello, end: line 2: this is no JSON object, closed"; got != want {
		t.Errorf("got %s, wanted %s", got, want)
	}
}

// Each connection has the next of these streams.
func TestSocket(t *testing.T) {
	streams := []string{hello, "what?\n", `{}` + "\n", "", hello + "x\n"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	next := 0
	dial := func(context.Context) (io.ReadCloser, error) {
		if next++; next > len(streams) {
			return nil, errors.New("nobody there")
		}
		return io.NopCloser(strings.NewReader(streams[next-1])), nil
	}
	items := Socket(ctx, dial, slog.New(slog.DiscardHandler))
	want := "hello, end: EOF, hello, end: line 2: this is no JSON object"
	if got := told(items, 4); got != want {
		t.Errorf("got %s, wanted %s", got, want)
	}
	cancel()
	for range items {
	}
}
