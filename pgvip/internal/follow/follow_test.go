package follow

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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

// Each connection is served by the next of these; what it asks for is checked.
func TestSocket(t *testing.T) {
	servers := []string{
		`{"id":1,"ok":true}` + "\n" + hello,
		`{"id":1,"ok":false,"err":{"code":"unknown_op"}}` + "\n",
		"what?\n",
		`{}` + "\n",
		"",
		hello + "x\n", // streams without an answer, and then breaks
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	next := 0
	dial := func(context.Context) (net.Conn, error) {
		if next++; next > len(servers) {
			return nil, errors.New("nobody there")
		}
		here, there := net.Pipe()
		text := servers[next-1]
		go func() {
			defer there.Close()
			line, err := bufio.NewReader(there).ReadString('\n')
			if err != nil || line != `{"id":1,"op":"follow"}`+"\n" {
				fmt.Fprintf(there, "asked %q\n", line)
				return
			}
			io.WriteString(there, text)
		}()
		return here, nil
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
