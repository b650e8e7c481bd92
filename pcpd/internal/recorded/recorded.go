// Package recorded keeps conversations of Pgpool-II with its pcp_ programs, and what these printed, as text in the
// repository; it makes such recordings and plays them. Tests alone use it.
//
// A recording holds what passed on the wire once. The program that is asked for verbose output is played the same
// messages, so that both outputs are of the same state.
package recorded

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Message is a frame and who sent it.
type Message struct {
	FromServer bool
	frame.Frame
}

// An Output is what a program did.
type Output struct {
	Out, Err string
	Status   int
}

// A Recording is one run of a pcp_ program.
type Recording struct {
	Args    string // the command line, without host, port and -w: pcp_node_info -n 0
	Wire    []Message
	Plain   Output
	Verbose Output // with -v
}

// Passwords is the .pcppass of all recordings: the user of those that name none has the right password.
const (
	User      = "pgpool"
	Password  = "postgres"
	Passwords = "*:*:" + User + ":" + Password + "\n*:*:mallory:guessed\n*:*:nobody:guessed\n"
)

// Load reads the recordings in a file.
func Load(name string) ([]Recording, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// Parse reads what Format wrote.
func Parse(text []byte) ([]Recording, error) {
	var all []Recording
	for _, f := range txtar.Parse(text).Files {
		part, args, _ := strings.Cut(f.Name, " ")
		if part == "wire" {
			all = append(all, Recording{Args: args})
		}
		if len(all) == 0 || all[len(all)-1].Args != args {
			return nil, fmt.Errorf("%q is not behind a wire", f.Name)
		}
		if err := all[len(all)-1].set(part, string(f.Data)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return all, nil
}

func (r *Recording) set(part, data string) (err error) {
	switch part {
	case "wire":
		r.Wire, err = parseWire(data)
	case "stdout":
		r.Plain.Out = data
	case "stderr":
		r.Plain.Err = data
	case "status":
		_, err = fmt.Sscan(data, &r.Plain.Status, &r.Verbose.Status)
	case "verbose-stdout":
		r.Verbose.Out = data
	case "verbose-stderr":
		r.Verbose.Err = data
	default:
		err = errors.New("no such part")
	}
	return err
}

// Format writes recordings as text. comment says what state they were taken in.
func Format(comment string, all []Recording) []byte {
	a := &txtar.Archive{Comment: []byte(comment + "\n")}
	for _, r := range all {
		for _, part := range []struct{ name, data string }{
			{"wire", formatWire(r.Wire)},
			{"status", fmt.Sprintf("%d %d\n", r.Plain.Status, r.Verbose.Status)},
			{"stdout", r.Plain.Out},
			{"stderr", r.Plain.Err},
			{"verbose-stdout", r.Verbose.Out},
			{"verbose-stderr", r.Verbose.Err},
		} {
			if part.data != "" || part.name == "wire" {
				a.Files = append(a.Files, txtar.File{Name: part.name + " " + r.Args, Data: []byte(part.data)})
			}
		}
	}
	return txtar.Format(a)
}

// The words before a message.
const (
	fromClient = "client"
	fromServer = "server"
)

func formatWire(wire []Message) string {
	var b strings.Builder
	for _, m := range wire {
		who := fromClient
		if m.FromServer {
			who = fromServer
		}
		fmt.Fprintf(&b, "%s %c %s\n", who, m.Type, strconv.QuoteToASCII(string(m.Payload)))
	}
	return b.String()
}

func parseWire(text string) (wire []Message, err error) {
	for line := range strings.Lines(text) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(words) != 3 || len(words[1]) != 1 || words[0] != fromClient && words[0] != fromServer {
			return nil, fmt.Errorf("not a message: %s", line)
		}
		payload, err := strconv.Unquote(words[2])
		if err != nil {
			return nil, fmt.Errorf("not a payload: %s", line)
		}
		wire = append(wire, Message{words[0] == fromServer, frame.Frame{Type: words[1][0], Payload: []byte(payload)}})
	}
	return wire, nil
}
