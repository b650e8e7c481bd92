package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	v2 "github.com/jackc/pgproto3/v2"
	v5 "github.com/jackc/pgx/v5/pgproto3"
)

// Each message must be what two other codecs make of the same content, byte for byte.
func TestBuiltAsOthersBuildIt(t *testing.T) {
	for name, c := range map[string]struct {
		got    []byte
		v2, v5 interface{ Encode([]byte) ([]byte, error) }
	}{
		"Query":             {AppendQuery(nil, "SELECT 1"), &v2.Query{String: "SELECT 1"}, &v5.Query{String: "SELECT 1"}},
		"empty Query":       {AppendQuery(nil, ""), &v2.Query{}, &v5.Query{}},
		"Sync":              {AppendSync(nil), &v2.Sync{}, &v5.Sync{}},
		"Terminate":         {AppendTerminate(nil), &v2.Terminate{}, &v5.Terminate{}},
		"Close":             {AppendCloseStatement(nil, "p"), &v2.Close{ObjectType: 'S', Name: "p"}, &v5.Close{ObjectType: 'S', Name: "p"}},
		"ReadyForQuery":     {AppendReady(nil, Failed), &v2.ReadyForQuery{TxStatus: 'E'}, &v5.ReadyForQuery{TxStatus: 'E'}},
		"AuthenticationOk":  {AppendAuthenticationOK(nil), &v2.AuthenticationOk{}, &v5.AuthenticationOk{}},
		"ParameterStatus":   {AppendParameterStatus(nil, "a", "b c"), &v2.ParameterStatus{Name: "a", Value: "b c"}, &v5.ParameterStatus{Name: "a", Value: "b c"}},
		"BackendKeyData":    {AppendBackendKeyData(nil, 7, []byte{0, 0, 1, 2}), &v2.BackendKeyData{ProcessID: 7, SecretKey: 258}, &v5.BackendKeyData{ProcessID: 7, SecretKey: []byte{0, 0, 1, 2}}},
		"key of 32 bytes":   {AppendBackendKeyData(nil, 1<<31+1, bytes.Repeat([]byte{9}, 32)), nil, &v5.BackendKeyData{ProcessID: 1<<31 + 1, SecretKey: bytes.Repeat([]byte{9}, 32)}},
		"ErrorResponse":     {AppendError(nil, &Error{Code: "08006", Message: "no"}), nil, nil},
		"message behind it": {AppendSync(AppendQuery(nil, "x")), nil, nil},
	} {
		for codec, m := range map[string]interface{ Encode([]byte) ([]byte, error) }{"pgproto3/v2": c.v2, "pgx": c.v5} {
			if m == nil {
				continue
			}
			if want, err := m.Encode(nil); err != nil || !bytes.Equal(c.got, want) {
				t.Errorf("%s: % x, %s makes % x, %v", name, c.got, codec, want, err)
			}
		}
		for rest := c.got; len(rest) > 0; {
			_, size, ok := Header(rest)
			if !ok || size < HeaderSize || size > len(rest) {
				t.Fatalf("%s: % x is no row of whole messages", name, c.got)
			}
			rest = rest[size:]
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	front := []byte("in front")
	for name, f := range map[string]func(dst []byte) []byte{
		"Query":           func(dst []byte) []byte { return AppendQuery(dst, "SELECT 1") },
		"Close":           func(dst []byte) []byte { return AppendCloseStatement(dst, "p") },
		"ParameterStatus": func(dst []byte) []byte { return AppendParameterStatus(dst, "a", "b") },
		"BackendKeyData":  func(dst []byte) []byte { return AppendBackendKeyData(dst, 1, []byte("keys")) },
		"ErrorResponse":   func(dst []byte) []byte { return AppendError(dst, &Error{Code: "08006", Message: "no"}) },
	} {
		if got, want := f(bytes.Clone(front)), append(bytes.Clone(front), f(nil)...); !bytes.Equal(got, want) {
			t.Errorf("%s behind other bytes: %q, wanted %q", name, got, want)
		}
	}
}

func TestErrorHasItsFields(t *testing.T) {
	for name, c := range map[string]struct {
		give Error
		want v5.ErrorResponse
	}{
		"all":      {Error{"FATAL", "53300", "too many", "32 are", "raise it"}, v5.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "53300", Message: "too many", Detail: "32 are", Hint: "raise it"}},
		"least":    {Error{Code: "08006", Message: "no"}, v5.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "08006", Message: "no"}},
		"NUL":      {Error{Code: "08006", Message: "a\x00Cb"}, v5.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "08006", Message: "a?Cb"}},
		"newlines": {Error{Code: "08006", Message: "a\nb"}, v5.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "08006", Message: "a\nb"}},
	} {
		b := AppendError(nil, &c.give)
		var got v5.ErrorResponse
		if err := got.Decode(b[HeaderSize:]); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got.UnknownFields, c.want.UnknownFields = nil, nil
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, wanted %+v", name, got, c.want)
		}
		severity, code, message := ErrorFields(b[HeaderSize:])
		if severity != c.want.Severity || code != c.want.Code || message != c.want.Message {
			t.Errorf("%s: read as %s %s %q", name, severity, code, message)
		}
	}
	if e := (&Error{Code: "08006", Message: "no"}); e.Error() != "no (SQLSTATE 08006)" {
		t.Errorf("in a log: %s", e.Error())
	}
}

// FuzzError builds an error of any text: whatever it is, another codec reads it back with nothing shifted.
func FuzzError(f *testing.F) {
	f.Add("ERROR", "42601", "no", "", "hint")
	f.Add("", "", "", "", "")
	f.Add("FATAL", "57P01", "a\x00Mb\x00", "\x00", "ü")
	f.Fuzz(func(t *testing.T, severity, code, message, detail, hint string) {
		b := AppendError(nil, &Error{severity, code, message, detail, hint})
		typ, size, ok := Header(b)
		if !ok || typ != ErrorResponse || size != len(b) {
			t.Fatalf("% x is no ErrorResponse", b)
		}
		var got v5.ErrorResponse
		if err := got.Decode(b[HeaderSize:]); err != nil {
			t.Fatal(err)
		}
		clean := func(s string) string { return strings.ReplaceAll(s, "\x00", "?") }
		if severity == "" {
			severity = "ERROR"
		}
		want := [...]string{clean(severity), clean(severity), clean(code), clean(message), clean(detail), clean(hint)}
		if have := [...]string{got.Severity, got.SeverityUnlocalized, got.Code, got.Message, got.Detail, got.Hint}; have != want {
			t.Fatalf("read back as %q, wanted %q", have, want)
		}
	})
}
