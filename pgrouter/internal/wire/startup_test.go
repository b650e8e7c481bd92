package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	v2 "github.com/jackc/pgproto3/v2"
	v5 "github.com/jackc/pgx/v5/pgproto3"
)

// packet puts words and texts behind each other; a string gets no terminator of its own.
func packet(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		case string:
			b = append(b, p...)
		}
	}
	return b
}

func TestStartupLengthRefused(t *testing.T) {
	for _, n := range []int{0, 4, 7, MaxStartup + 1, 0x47455420 /* "GET " */, -1} {
		_, err := StartupLength([4]byte(packet(n)))
		var bad *StartupError
		if !errors.As(err, &bad) || bad.Code != "08P01" {
			t.Errorf("length %d: error %v, wanted a StartupError with 08P01", n, err)
		}
	}
	for _, n := range []int{8, MaxStartup} {
		if got, err := StartupLength([4]byte(packet(n))); err != nil || got != n-4 {
			t.Errorf("length %d: %d, %v", n, got, err)
		}
	}
}

func TestDecodeStartupRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		code string
		text string
	}{
		"empty":                   {nil, "08P01", "invalid length"},
		"protocol 2":              {packet(2<<16, "user\x00a\x00\x00"), "0A000", "unsupported frontend protocol 2.0"},
		"protocol 4":              {packet(4<<16, "user\x00a\x00\x00"), "0A000", "unsupported frontend protocol 4.0"},
		"web browser":             {packet("GET / HTTP/1.1\r\n\r\n"), "0A000", "unsupported frontend protocol"},
		"long SSLRequest":         {packet(codeSSL, "x"), "08P01", "invalid length"},
		"long GSSENCRequest":      {packet(codeGSSENC, 0), "08P01", "invalid length"},
		"cancel without key":      {packet(codeCancel, 7), "08P01", "the key has 0 bytes"},
		"cancel without anything": {packet(codeCancel), "08P01", "the key has 0 bytes"},
		"cancel key of 3 bytes":   {packet(codeCancel, 7, "abc"), "08P01", "the key has 3 bytes"},
		"cancel key of 257 bytes": {packet(codeCancel, 7, strings.Repeat("k", 257)), "08P01", "the key has 257 bytes"},
		"no parameters at all":    {packet(Version30), "08P01", "expected terminator"},
		"no terminator":           {packet(Version30, "user\x00a\x00"), "08P01", "expected terminator"},
		"name cut":                {packet(Version30, "user"), "08P01", "expected terminator"},
		"value cut":               {packet(Version30, "user\x00a"), "08P01", `parameter "user" has no value`},
		"bytes behind the end":    {packet(Version30, "user\x00a\x00\x00b"), "08P01", "1 bytes behind"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeStartup(c.body)
			var bad *StartupError
			if !errors.As(err, &bad) || bad.Code != c.code || !strings.Contains(bad.Text, c.text) {
				t.Errorf("error %#v, wanted %s with %q", err, c.code, c.text)
			}
		})
	}
}

func TestDecodeStartup(t *testing.T) {
	key := strings.Repeat("k", 256)
	for name, c := range map[string]struct {
		body []byte
		want StartupPacket
	}{
		"SSLRequest":    {packet(codeSSL), StartupPacket{Kind: KindSSL}},
		"GSSENCRequest": {packet(codeGSSENC), StartupPacket{Kind: KindGSSENC}},
		"cancel 3.0":    {packet(codeCancel, 7, "abcd"), StartupPacket{Kind: KindCancel, Cancel: &CancelRequest{7, []byte("abcd")}}},
		"cancel 3.2":    {packet(codeCancel, 7, key), StartupPacket{Kind: KindCancel, Cancel: &CancelRequest{7, []byte(key)}}},
		"no parameters": {packet(Version30, "\x00"), StartupPacket{Startup: &Startup{Version: Version30}}},
		"parameters in order, empty value, repeated": {
			packet(Version32, "user\x00a\x00x\x00\x00user\x00b\x00\x00"),
			StartupPacket{Startup: &Startup{Version32, [][2]string{{"user", "a"}, {"x", ""}, {"user", "b"}}}}},
		"3.9999": {packet(3<<16|9999, "\x00"), StartupPacket{Startup: &Startup{Version: 3<<16 | 9999}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeStartup(c.body)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v; wanted %+v", got, err, c.want)
			}
		})
	}
}

func TestNegotiate(t *testing.T) {
	for _, c := range []struct {
		version uint32
		params  [][2]string
		want    uint32
		unknown []string
		needed  bool
	}{
		{Version30, [][2]string{{"user", "a"}}, Version30, nil, false},
		{Version32, nil, Version32, nil, false},
		{3<<16 | 9999, nil, Version32, nil, true},
		{Version30, [][2]string{{"_pq_.x", "1"}, {"user", "a"}, {"_pq_.", ""}}, Version30, []string{"_pq_.x", "_pq_."}, true},
	} {
		version, unknown, needed := (&Startup{c.version, c.params}).Negotiate()
		if version != c.want || !reflect.DeepEqual(unknown, c.unknown) || needed != c.needed {
			t.Errorf("%x %v: %x %v %v", c.version, c.params, version, unknown, needed)
		}
		var m v5.NegotiateProtocolVersion
		if err := m.Decode(AppendNegotiate(nil, version, unknown)[5:]); err != nil ||
			m.NewestMinorProtocol != version || strings.Join(m.UnrecognizedOptions, " ") != strings.Join(unknown, " ") {
			t.Errorf("pgproto3 reads %+v, %v", m, err)
		}
	}
}

func TestAppendStartupRefusesWhatWouldBeReadOtherwise(t *testing.T) {
	for _, params := range [][][2]string{
		{{"application_name", "x\x00user\x00postgres"}},
		{{"a\x00b", "c"}},
		{{"", "c"}},
		{{"user", strings.Repeat("u", MaxStartup)}},
	} {
		b, err := AppendStartup([]byte("kept"), &Startup{Version30, params})
		if err == nil || string(b) != "kept" {
			t.Errorf("%.40q: %q, %v", params, b, err)
		}
	}
}

// TestOtherCodecs has two independent libraries read what we write and write what we read.
func TestOtherCodecs(t *testing.T) {
	s := &Startup{Version30, [][2]string{{"user", "alice"}, {"database", "d"}, {"options", "-c a=b"}}}
	b, err := AppendStartup(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"user": "alice", "database": "d", "options": "-c a=b"}
	var m2 v2.StartupMessage
	var m5 v5.StartupMessage
	if err := m2.Decode(b[4:]); err != nil || !reflect.DeepEqual(m2.Parameters, want) {
		t.Errorf("v2 reads %v, %v", m2, err)
	}
	if err := m5.Decode(b[4:]); err != nil || !reflect.DeepEqual(m5.Parameters, want) {
		t.Errorf("v5 reads %v, %v", m5, err)
	}
	b5, _ := (&v5.StartupMessage{ProtocolVersion: v5.ProtocolVersion32, Parameters: want}).Encode(nil)
	b2, _ := m2.Encode(nil)
	for _, b := range [][]byte{b2, b5} {
		p := decode(t, b)
		got := map[string]string{}
		for _, kv := range p.Startup.Params {
			got[kv[0]] = kv[1]
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("we read %v from %q", got, b)
		}
	}
	ssl5, _ := (&v5.SSLRequest{}).Encode(nil)
	ssl2, _ := (&v2.SSLRequest{}).Encode(nil)
	gss2, _ := (&v2.GSSEncRequest{}).Encode(nil)
	cancel2, _ := (&v2.CancelRequest{ProcessID: 9, SecretKey: 258}).Encode(nil)
	gss5, _ := (&v5.GSSEncRequest{}).Encode(nil)
	cancel5, _ := (&v5.CancelRequest{ProcessID: 9, SecretKey: []byte("12345678")}).Encode(nil)
	for _, pair := range [][2][]byte{
		{AppendSSLRequest(nil), ssl5}, {AppendSSLRequest(nil), ssl2},
		{AppendGSSENCRequest(nil), gss5}, {AppendGSSENCRequest(nil), gss2},
		{AppendCancel(nil, &CancelRequest{9, []byte("12345678")}), cancel5},
		{AppendCancel(nil, &CancelRequest{9, []byte{0, 0, 1, 2}}), cancel2},
	} {
		if !bytes.Equal(pair[0], pair[1]) {
			t.Errorf("we write %x, the library %x", pair[0], pair[1])
		}
	}
}

func decode(t *testing.T, whole []byte) StartupPacket {
	t.Helper()
	n, err := StartupLength([4]byte(whole))
	if err != nil || n != len(whole)-4 {
		t.Fatalf("length %d, %v in %x", n, err, whole)
	}
	p, err := DecodeStartup(whole[4:])
	if err != nil {
		t.Fatalf("%v in %x", err, whole)
	}
	return p
}

// FuzzDecodeStartup: what decodes is encoded to the same bytes, and nothing panics.
func FuzzDecodeStartup(f *testing.F) {
	for _, seed := range [][]byte{
		packet(codeSSL), packet(codeGSSENC), packet(codeCancel, 1, "abcd"), packet(Version30, "user\x00a\x00\x00"),
		packet(3<<16|9999, "user\x00a\x00_pq_.x\x00\x00\x00"), packet("GET / HTTP/1.1"), packet(Version32, "\x00"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := DecodeStartup(body)
		if err != nil {
			var bad *StartupError
			if !errors.As(err, &bad) || len(bad.Code) != 5 {
				t.Fatalf("error %#v without SQLSTATE", err)
			}
			return
		}
		var again []byte
		switch p.Kind {
		case KindSSL:
			again = AppendSSLRequest(nil)
		case KindGSSENC:
			again = AppendGSSENCRequest(nil)
		case KindCancel:
			again = AppendCancel(nil, p.Cancel)
		default:
			if again, err = AppendStartup(nil, p.Startup); err != nil {
				t.Fatalf("cannot be written again: %v", err)
			}
			version, unknown, _ := p.Startup.Negotiate()
			if version > VersionNewest || len(unknown) > len(p.Startup.Params) {
				t.Fatalf("negotiated %x %v", version, unknown)
			}
		}
		if !bytes.Equal(again[4:], body) {
			t.Fatalf("%x is written again as %x", body, again[4:])
		}
	})
}
