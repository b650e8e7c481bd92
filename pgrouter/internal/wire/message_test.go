package wire

import (
	"bytes"
	"testing"

	v5 "github.com/jackc/pgx/v5/pgproto3"
)

func TestHeader(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		size int
		ok   bool
	}{
		"nothing":                  {nil, 0, false},
		"type alone":               {[]byte("Q"), 0, false},
		"three bytes of length":    {[]byte{'Q', 0, 0, 0}, 0, false},
		"length below itself":      {[]byte{'Q', 0, 0, 0, 3}, 4, true},
		"zero length":              {[]byte{'Q', 0, 0, 0, 0}, 1, true},
		"negative length":          {[]byte{'Q', 0xff, 0xff, 0xff, 0xff}, 0, true},
		"most negative":            {[]byte{'Q', 0x80, 0, 0, 0}, -1<<31 + 1, true},
		"empty":                    {[]byte{'S', 0, 0, 0, 4}, 5, true},
		"body to come":             {[]byte{'Q', 0, 0, 1, 4}, 261, true},
		"longest":                  {[]byte{'d', 0x7f, 0xff, 0xff, 0xff}, 1 << 31, true},
		"what is behind is no one": {append(AppendSync(nil), "more"...), 5, true},
	} {
		typ, size, ok := Header(c.b)
		if size != c.size || ok != c.ok || ok && typ != c.b[0] {
			t.Errorf("%s: %c %d %v, wanted %d %v", name, typ, size, ok, c.size, c.ok)
		}
	}
}

func TestCString(t *testing.T) {
	for _, c := range []struct {
		b, s, rest string
		ok         bool
	}{
		{"", "", "", false},
		{"no end", "", "", false},
		{"\x00", "", "", true},
		{"a\x00", "a", "", true},
		{"a\x00b\x00", "a", "b\x00", true},
		{"\x00\x00", "", "\x00", true},
	} {
		s, rest, ok := CString([]byte(c.b))
		if string(s) != c.s || string(rest) != c.rest || ok != c.ok {
			t.Errorf("%q: %q %q %v", c.b, s, rest, ok)
		}
		if text, ok := Text([]byte(c.b)); string(text) != c.s || ok != c.ok {
			t.Errorf("text of %q: %q %v", c.b, text, ok)
		}
	}
}

// The severity that is not translated wins, wherever it stands; what is cut off is read as far as it goes.
func TestErrorFields(t *testing.T) {
	for _, c := range []struct{ body, severity, code, message string }{
		{"", "", "", ""},
		{"\x00", "", "", ""},
		{"SFEHLER\x00VERROR\x00C42601\x00Mno\x00\x00", "ERROR", "42601", "no"},
		{"VFATAL\x00SFATAL ERROR\x00C57P01\x00Mbye\x00\x00", "FATAL", "57P01", "bye"},
		{"SFATAL\x00C57P01\x00\x00", "FATAL", "57P01", ""},
		{"SERROR\x00C42601\x00Mcut o", "ERROR", "42601", ""},
		{"S", "", "", ""},
		{"Xodd\x00C1\x00\x00C2\x00", "", "1", ""},
	} {
		severity, code, message := ErrorFields([]byte(c.body))
		if severity != c.severity || code != c.code || message != c.message {
			t.Errorf("%q: %q %q %q", c.body, severity, code, message)
		}
	}
}

// FuzzErrorFields compares with another codec where that one can read the body at all.
func FuzzErrorFields(f *testing.F) {
	f.Add([]byte("SERROR\x00VERROR\x00C42601\x00Mno\x00\x00"))
	f.Add([]byte("VFATAL\x00SFATAL\x00C57P01\x00Mbye\x00Dd\x00Hh\x00\x00"))
	f.Add([]byte("S\x00\x00"))
	f.Add([]byte("M"))
	f.Fuzz(func(t *testing.T, body []byte) {
		severity, code, message := ErrorFields(body)
		if len(severity)+len(code)+len(message) > len(body) {
			t.Fatal("more came out than went in")
		}
		var other v5.ErrorResponse
		// A field that comes twice has no meaning, and each reader takes the one that it likes.
		if twice(body) || other.Decode(body) != nil {
			return
		}
		severityOK := severity == other.SeverityUnlocalized || other.SeverityUnlocalized == "" && severity == other.Severity
		if !severityOK || code != other.Code || message != other.Message {
			t.Fatalf("%q %q %q, pgx reads %+v", severity, code, message, other)
		}
	})
}

func twice(body []byte) bool {
	seen := map[byte]bool{}
	for len(body) > 1 && body[0] != 0 {
		if seen[body[0]] {
			return true
		}
		seen[body[0]] = true
		end := bytes.IndexByte(body, 0)
		if end < 0 {
			return false
		}
		body = body[end+1:]
	}
	return false
}
