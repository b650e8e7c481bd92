package frame

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What Pgpool-II 4.3.5 and its programs said to each other.
func TestCaptured(t *testing.T) {
	login := unhex(t, "52 00 00 00 2c 70 67 70 6f 6f 6c 00 35 34 64 66 65 38 61 37 31 31 61 38 33 66 34 33 32 39 31 30 31 66 65 37 36 64 32 37 34 34 30 38 00")
	md5OfPostgres := "e8a48653851e28c69d0506508fb27fc5"
	answer := Answer("pgpool", md5OfPostgres, [SaltSize]byte{0x2a, 0xcc, 0x0b, 0x1f})
	if got := Append(nil, Login, "pgpool", answer); !bytes.Equal(got, login) {
		t.Errorf("the login is %q, wanted %q", got, login)
	}
	f, err := Read(bytes.NewReader(login), MaxRequest)
	if err != nil || f.Type != Login {
		t.Fatalf("read %v, %v", f, err)
	}
	if texts, err := Texts(f.Payload); err != nil || !slices.Equal(texts, []string{"pgpool", answer}) {
		t.Errorf("the login has %q, %v", texts, err)
	}
	denied := unhex(t, "53 46 41 54 41 4c 00 43 58 58 30 30 30 00 4d 61 00 44 62 00 46 70 63 70 5f 77 6f 72 6b 65 72 2e 63 00 4c 35 31 37 00 00")
	if p, err := ParseProblem(denied); err != nil || p != (Problem{Fatal, "a", "b"}) {
		t.Errorf("the error is %+v, %v", p, err)
	}
	if got, want := Append(nil, 'l', Complete, "2"), unhex(t, "6c 00 00 00 16 43 6f 6d 6d 61 6e 64 43 6f 6d 70 6c 65 74 65 00 32 00"); !bytes.Equal(got, want) {
		t.Errorf("the reply is %q, wanted %q", got, want)
	}
	if got, want := AppendRaw(nil, Promote, []byte("0 \x00n")), unhex(t, "4a 00 00 00 08 30 20 00 6e"); !bytes.Equal(got, want) {
		t.Errorf("the request is %q, wanted %q", got, want)
	}
}

func TestBadFrames(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"nothing":                {"", io.EOF},
		"a type and no more":     {"L", io.ErrUnexpectedEOF},
		"half a length":          {"L\x00\x00", io.ErrUnexpectedEOF},
		"half a payload":         {"I\x00\x00\x00\x061", io.ErrUnexpectedEOF},
		"shorter than itself":    {"L\x00\x00\x00\x03", new(LengthError)},
		"one more than allowed":  {"L\x00\x00\x27\x10", new(LengthError)},
		"negative in Pgpool's C": {"L\xff\xff\xff\xff", new(LengthError)},
	} {
		_, err := Read(strings.NewReader(c.in), MaxRequest)
		var length *LengthError
		if _, wanted := c.want.(*LengthError); wanted != errors.As(err, &length) || !wanted && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := "L\x00\x00\x27\x0f" + strings.Repeat("x", MaxRequest)
	if f, err := Read(strings.NewReader(longest), MaxRequest); err != nil || len(f.Payload) != MaxRequest {
		t.Errorf("the longest request: %d bytes, %v", len(f.Payload), err)
	}
	if texts, err := Texts([]byte("a")); err == nil {
		t.Errorf("a text without an end is %q", texts)
	}
	for _, payload := range []string{"", "Sx", "Sx\x00"} {
		if p, err := ParseProblem([]byte(payload)); err == nil {
			t.Errorf("%q is %+v", payload, p)
		}
	}
}

func TestZeroByteEndsText(t *testing.T) {
	f, err := Read(bytes.NewReader(Append(nil, NodeInfo, "a\x00b", "c")), MaxRequest)
	if err != nil {
		t.Fatal(err)
	}
	if texts, err := Texts(f.Payload); err != nil || !slices.Equal(texts, []string{"a", "c"}) {
		t.Errorf("%q, %v", texts, err)
	}
}
