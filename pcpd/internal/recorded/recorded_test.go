package recorded

import (
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func message(fromServer bool, kind byte, payload string) Message {
	return Message{fromServer, frame.Frame{Type: kind, Payload: []byte(payload)}}
}

var wire = []Message{message(false, 'M', ""), message(true, 'm', "\x00\xff\n\""), message(false, 'X', "ü x")}

func TestFormatAndParse(t *testing.T) {
	all := []Recording{
		{"pcp_node_info -n 0", wire, Output{"out\n", "", 0}, Output{"more out\n", "err\n\n", 3}},
		{"pcp_node_count", nil, Output{"", "ERROR\n", 1}, Output{}},
	}
	text := Format("About this.", all)
	if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("%+v, %v from\n%s", got, err, text)
	}
	for name, text := range map[string]string{
		"no wire":        "-- stdout a --\n",
		"another's part": "-- wire a --\n-- stdout b --\n",
		"no such part":   "-- wire a --\n-- colour a --\n",
		"no number":      "-- wire a --\n-- status a --\nx\n",
		"no sender":      "-- wire a --\nsomebody M \"\"\n",
		"no type":        "-- wire a --\nserver  \"\"\n",
		"no quotes":      "-- wire a --\nserver M x\n",
		"one word":       "-- wire a --\nserver\n",
	} {
		if got, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What is played to a client is what the relay hears.
func TestPlayIsRelayed(t *testing.T) {
	client, relayClient := net.Pipe()
	relayServer, server := net.Pipe()
	played := make(chan error, 1)
	go func() { played <- Play(server, wire) }()
	heard := make(chan []Message, 1)
	go func() { heard <- Relay(relayClient, relayServer) }()
	client.Write([]byte("M\x00\x00\x00\x04"))
	f, err := frame.Read(client, frame.MaxReply)
	if err != nil || !reflect.DeepEqual(f, wire[1].Frame) {
		t.Errorf("the client hears %+v, %v", f, err)
	}
	client.Write(frame.AppendRaw(nil, 'X', wire[2].Payload))
	if rest, err := io.ReadAll(client); err != nil || len(rest) > 0 {
		t.Errorf("then %q, %v", rest, err)
	}
	if got := <-heard; len(got) != 3 || !reflect.DeepEqual(got[1:], wire[1:]) || got[0].Type != 'M' {
		t.Errorf("the relay heard %+v", got)
	}
	if err := <-played; err != nil {
		t.Error(err)
	}
}

func TestPlayWantsToHearTheSame(t *testing.T) {
	for in, want := range map[string]string{
		"L\x00\x00\x00\x04":  `the client asks L "", wanted M ""`,
		"M\x00\x00\x00\x05x": `the client asks M "x", wanted M ""`,
		"":                   `the client should ask M "": EOF`,
	} {
		client, server := net.Pipe()
		go func() {
			client.Write([]byte(in))
			client.Close()
		}()
		if err := Play(server, wire); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wanted %s", in, err, want)
		}
	}
}
