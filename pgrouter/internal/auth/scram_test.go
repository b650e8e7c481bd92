package auth

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"

	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// xdg logs in as a client with another implementation of SCRAM, and returns the server-first-message
// and the last message that it got.
func xdg(t testing.TB, conn net.Conn, password string) (serverFirst string, last pgproto3.BackendMessage) {
	t.Helper()
	client, err := scram.SHA256.NewClient("ignored", password, "")
	if err != nil {
		t.Fatal(err)
	}
	talk := client.NewConversation()
	first, _ := talk.Step("")
	in := pgproto3.NewFrontend(conn, conn)
	receiveIn := func() pgproto3.BackendMessage {
		m, err := in.Receive()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m, ok := receiveIn().(*pgproto3.AuthenticationSASL); !ok || len(m.AuthMechanisms) != 1 || m.AuthMechanisms[0] != mechanism {
		t.Fatalf("question %+v", m)
	}
	write(t, conn, encode(&pgproto3.SASLInitialResponse{AuthMechanism: mechanism, Data: []byte(first)}))
	m := receiveIn()
	more, ok := m.(*pgproto3.AuthenticationSASLContinue)
	if !ok {
		return "", m
	}
	serverFirst = string(more.Data)
	final, err := talk.Step(serverFirst)
	if err != nil {
		t.Fatal(err)
	}
	write(t, conn, encode(&pgproto3.SASLResponse{Data: []byte(final)}))
	m = receiveIn()
	if done, ok := m.(*pgproto3.AuthenticationSASLFinal); ok {
		if _, err := talk.Step(string(done.Data)); err != nil || !talk.Valid() {
			t.Fatalf("the door did not prove itself: %v", err)
		}
	}
	return serverFirst, m
}

func salt(serverFirst string) string {
	for _, f := range strings.Split(serverFirst, ",") {
		if strings.HasPrefix(f, "s=") || strings.HasPrefix(f, "i=") {
			return serverFirst[strings.Index(serverFirst, f):]
		}
	}
	return ""
}

// TestUnknownUserLooksLikeAnyOther compares what a stranger with a wrong password sees.
func TestUnknownUserLooksLikeAnyOther(t *testing.T) {
	d := &Door{HBA: rules(t, "host all all all scram-sha-256"), Keys: newKeys(t),
		Passwords: passwords(t, "alice:secret\nhashed:md5d145a5534fd1a11e152149ae1c4434d2\nverified:"+derive("secret", "0123456789abcdef", 4096).verifier())}
	for _, user := range []string{"alice", "hashed", "verified", "nobody"} {
		var salts []string
		for range 2 {
			client, done := knock(t, d)
			write(t, client, startup("user", user))
			first, last := xdg(t, client, "wrong")
			e, ok := last.(*pgproto3.ErrorResponse)
			if !ok || e.Code != "28P01" || e.Message != `password authentication failed for user "`+user+`"` || e.Detail != "" {
				t.Errorf("%s: %+v", user, last)
			}
			client.Close()
			if o := <-done; o.err == nil {
				t.Errorf("%s was let in", user)
			}
			salts = append(salts, salt(first))
		}
		if salts[0] != salts[1] || len(salts[0]) != len("s=0123456789abcdef01234w==,i=4096") {
			t.Errorf("%s: salts %q", user, salts)
		}
	}
}

// verifier writes the key as PostgreSQL stores it.
func (k *scramKey) verifier() string {
	return (&passwd.Verifier{Iterations: k.iterations, Salt: []byte(k.salt), StoredKey: k.stored, ServerKey: k.server}).String()
}

// TestKeysAreDerivedOnce logs one user in many times at once.
func TestKeysAreDerivedOnce(t *testing.T) {
	d := &Door{HBA: rules(t, "host all all all scram-sha-256"), Keys: newKeys(t), Passwords: passwords(t, "alice:secret")}
	var wg sync.WaitGroup
	for range 20 {
		client, done := knock(t, d)
		write(t, client, startup("user", "alice"))
		wg.Go(func() {
			if _, last := xdg(t, client, "secret"); last == nil {
				t.Error("no answer")
			} else if _, ok := last.(*pgproto3.AuthenticationSASLFinal); !ok {
				t.Errorf("%+v", last)
			}
			if o := <-done; o.err != nil {
				t.Error(o.err)
			}
		})
	}
	wg.Wait()
	if n := len(d.Keys.derived); n != 1 {
		t.Errorf("%d derivations for 20 logins of one user", n)
	}
	k := d.Keys
	if k.derive("a", "s", 1) != k.derive("a", "s", 1) || k.derive("a", "s", 1) == k.derive("b", "s", 1) {
		t.Error("derived again, or not for another password")
	}
}

func TestRememberedKeysAreBounded(t *testing.T) {
	k := newKeys(t)
	for i := range maxDerived + 100 {
		k.derive("password", "salt", 1+i%2)
		k.derive("password "+strconv.Itoa(i), "salt", 1)
	}
	if n := len(k.derived); n != maxDerived {
		t.Errorf("%d keys are remembered, wanted %d", n, maxDerived)
	}
}

// TestOwnClientAgainstLibrary has our client side log in at the library's server side, with the
// password, with keys taken from a proof, and with wrong ones.
func TestOwnClientAgainstLibrary(t *testing.T) {
	key := derive("secret", "salty salt", 5000)
	server, _ := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		return scram.StoredCredentials{KeyFactors: scram.KeyFactors{Salt: key.salt, Iters: key.iterations}, StoredKey: key.stored, ServerKey: key.server}, nil
	})
	try := func(c Credential) (proof *scramKey, err error) {
		own := &scramClient{credential: c, header: "n,,", nonce: "abc"}
		talk := server.NewConversation()
		first := own.first()
		serverFirst, err := talk.Step(first)
		if err != nil {
			return nil, err
		}
		final, err := own.final(serverFirst)
		if err != nil {
			return nil, err
		}
		serverFinal, err := talk.Step(final)
		if err != nil {
			return nil, err
		}
		return proofKey(&scramKey{salt: key.salt, iterations: key.iterations, stored: key.stored, server: key.server},
			first, serverFirst, final), own.verify(serverFinal)
	}
	proof, err := try(Credential{clear: "secret", keys: newKeys(t)})
	if err != nil || string(proof.client) != string(key.client) {
		t.Fatalf("key from the proof %v, %v", proof, err)
	}
	if _, err := try(Credential{scram: proof}); err != nil {
		t.Errorf("with the key from a proof: %v", err)
	}
	if _, err := try(Credential{clear: "wrong"}); err == nil {
		t.Error("a wrong password does")
	}
	if _, err := try(Credential{scram: derive("secret", "other salt", 5000)}); !errors.Is(err, errOtherKey) {
		t.Errorf("a key for another verifier: %v", err)
	}
}

func TestServerMessagesRefused(t *testing.T) {
	for _, text := range []string{
		"", "r=abcd", "r=abcd,s=,i=4096", "r=abcd,s=!!,i=4096", "r=abcd,s=c2FsdA==,i=x", "r=abcd,s=c2FsdA==,i=0",
		"r=abcd,s=c2FsdA==,i=-5", "r=abcd,s=c2FsdA==,i=2000000000", "s=c2FsdA==,r=abcd,i=1", "r=abc,s=c2FsdA==,i=1", "r=xyz,s=c2FsdA==,i=1",
	} {
		s := &scramClient{credential: Credential{clear: "x"}, header: "n,,", nonce: "abc"}
		s.first()
		if out, err := s.final(text); err == nil {
			t.Errorf("%q is answered by %q", text, out)
		}
	}
	s := &scramClient{credential: Credential{clear: "x"}, header: "n,,", nonce: "abc"}
	if err := s.verify("v=AAAA"); err == nil {
		t.Error("a signature before the exchange is accepted")
	}
	s.first()
	if _, err := s.final("r=abcd,s=c2FsdA==,i=1"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "v=", "v=!!", "e=other-error", "v=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="} {
		if err := s.verify(text); err == nil {
			t.Errorf("%q is taken for the server's signature", text)
		}
	}
}

// TestMalformedSASL sends what no client should.
func TestMalformedSASL(t *testing.T) {
	d := &Door{HBA: rules(t, "host all all all scram-sha-256"), Keys: newKeys(t), Passwords: passwords(t, "alice:secret")}
	initial := func(mechanism, data string) []byte {
		return encode(&pgproto3.SASLInitialResponse{AuthMechanism: mechanism, Data: []byte(data)})
	}
	for name, sent := range map[string][]byte{
		"no mechanism":     {'p', 0, 0, 0, 5, 'x'},
		"wrong length":     append([]byte{'p', 0, 0, 0, 23}, "SCRAM-SHA-256\x00\x00\x00\x00\x09n"...),
		"other mechanism":  initial("SCRAM-SHA-1", "n,,n=,r=abc"),
		"plus without TLS": initial(mechanismPlus, "p=tls-server-end-point,,n=,r=abc"),
		"binding unasked":  initial(mechanism, "p=tls-server-end-point,,n=,r=abc"),
		"nonsense":         initial(mechanism, "hello"),
		"extension":        initial(mechanism, "n,,m=x,n=,r=abc"),
		"empty":            initial(mechanism, ""),
	} {
		client, done := knock(t, d)
		write(t, client, startup("user", "alice"))
		receive(t, io.LimitReader(client, 24))
		write(t, client, sent)
		wantError(t, client, "08P01", "")
		client.Close()
		if o := <-done; o.err == nil {
			t.Errorf("%s: was let in", name)
		}
	}
}

// fake plays a server that answers a startup packet with the given messages.
func fake(t *testing.T, c Credential, answers ...pgproto3.Message) (*Server, error) {
	t.Helper()
	client, server := pair(t)
	go func() {
		var all []byte
		for _, m := range answers {
			all = append(all, encode(m)...)
		}
		server.SetDeadline(time.Now().Add(patience))
		io.ReadFull(server, make([]byte, 8))
		server.Write(all)
		server.(*net.TCPConn).CloseWrite()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return Login(ctx, client, Request{User: "u", Credential: c})
}

func TestOddServers(t *testing.T) {
	ok, ready := &pgproto3.AuthenticationOk{}, &pgproto3.ReadyForQuery{TxStatus: 'I'}
	key := &pgproto3.BackendKeyData{ProcessID: 7, SecretKey: []byte("abcd")}
	sasl := &pgproto3.AuthenticationSASL{AuthMechanisms: []string{mechanism}}
	for name, c := range map[string]struct {
		answers []pgproto3.Message
		want    string
	}{
		"nothing":                      {nil, "EOF"},
		"ready before ok":              {[]pgproto3.Message{ready}, "before AuthenticationOk"},
		"cut before ready":             {[]pgproto3.Message{ok, key}, "EOF"},
		"ok twice":                     {[]pgproto3.Message{ok, ok}, "out of place"},
		"ok without SCRAM proof":       {[]pgproto3.Message{sasl, ok, ready}, "before it proved"},
		"final without SASL":           {[]pgproto3.Message{&pgproto3.AuthenticationSASLFinal{Data: []byte("v=")}}, "without SASL"},
		"continue without SASL":        {[]pgproto3.Message{&pgproto3.AuthenticationSASLContinue{Data: []byte("v=")}}, "out of place"},
		"final at once":                {[]pgproto3.Message{sasl, &pgproto3.AuthenticationSASLFinal{Data: []byte("v=AAAA")}}, "not the server it claims"},
		"SASL twice":                   {[]pgproto3.Message{sasl, sasl}, "a second time"},
		"unknown mechanism":            {[]pgproto3.Message{&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"X"}}}, "no SASL mechanism"},
		"GSS":                          {[]pgproto3.Message{&pgproto3.AuthenticationGSS{}}, "method 7 GSSAPI"},
		"newer protocol":               {[]pgproto3.Message{&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: wire.Version32}}, "wants protocol 3.2"},
		"rows":                         {[]pgproto3.Message{ok, &pgproto3.DataRow{}}, "type 'D' during login"},
		"refused":                      {[]pgproto3.Message{&pgproto3.ErrorResponse{Code: "53300", Message: "sorry"}}, "sorry (SQLSTATE 53300)"},
		"refused when all seemed well": {[]pgproto3.Message{ok, key, &pgproto3.ErrorResponse{Code: "3D000", Message: "no db"}}, "3D000"},
	} {
		if s, err := fake(t, Credential{clear: "x"}, c.answers...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; wanted %q", name, s, err, c.want)
		}
	}
	s, err := fake(t, Credential{}, ok, &pgproto3.ParameterStatus{Name: "a", Value: "b"}, key,
		&pgproto3.NoticeResponse{Message: "hello"}, ready, &pgproto3.NotificationResponse{Channel: "early"})
	if err != nil {
		t.Fatal(err)
	}
	rest := encode(&pgproto3.NotificationResponse{Channel: "early"})
	more, _ := io.ReadAll(s.Conn)
	if got := string(s.Rest) + string(more); got != string(rest) || s.PID != 7 || string(s.Secret) != "abcd" || s.Status != 'I' ||
		len(s.Params) != 1 || len(s.Notices) == 0 {
		t.Errorf("%+v, rest %q", s, got)
	}
}

// FuzzServer feeds a login with any bytes a server may send.
func FuzzServer(f *testing.F) {
	f.Add([]byte("R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"))
	f.Add(encode(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{mechanism}}))
	f.Add(encode(&pgproto3.ErrorResponse{Code: "28P01", Message: "no"}))
	f.Add([]byte("R\x00\x00\x00\x0c\x00\x00\x00\x05saltS\x00\x00\x00\x08a\x00b\x00K\x00\x00\x00\x0c\x00\x00\x00\x01abcd"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		in := frames{src: &slowly{sent}}
		l := &login{req: Request{User: "u", Credential: Credential{clear: "x"}}, conn: nowhere{}, server: &Server{Version: wire.Version32}}
		taken := 0
		for {
			typ, body, raw, err := in.next()
			if err != nil {
				break
			}
			if string(raw) != string(sent[taken:taken+len(raw)]) || len(body) != len(raw)-5 {
				t.Fatalf("message %q of %q at %d", raw, sent, taken)
			}
			taken += len(raw)
			if strings.Contains(string(raw), "i=") {
				return // may be a million iterations
			}
			if done, err := l.message(typ, body, raw); done || err != nil {
				break
			}
		}
		if cap(in.buf) > 4*len(sent)+4096 {
			t.Fatalf("%d bytes of buffer for %d sent", cap(in.buf), len(sent))
		}
	})
}

// FuzzClient feeds the decoders of what clients send after the startup packet.
func FuzzClient(f *testing.F) {
	f.Add([]byte("SCRAM-SHA-256\x00\x00\x00\x00\x0bn,,n=,r=abc"))
	f.Add([]byte("SCRAM-SHA-256\x00\xff\xff\xff\xff"))
	f.Add([]byte("secret\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if name, data, err := saslInitial(body); err == nil && len(name)+1+4+len(data) != len(body) {
			t.Fatalf("%q is %q and %q", body, name, data)
		}
		if text, err := cString(body); err == nil && text+"\x00" != string(body) {
			t.Fatalf("%q is %q", body, text)
		}
	})
}

// FuzzServerFirst feeds the parser of the server-first-message.
func FuzzServerFirst(f *testing.F) {
	f.Add("r=abcd,s=c2FsdA==,i=4096,x=y")
	f.Fuzz(func(t *testing.T, text string) {
		nonce, salt, count, err := parseServerFirst(text)
		if err == nil && (count < 1 || count > maxIterations || salt == "" || strings.Contains(nonce, ",")) {
			t.Fatalf("%q: %q %q %d", text, nonce, salt, count)
		}
	})
}

// slowly gives three bytes at a time.
type slowly struct{ left []byte }

func (s *slowly) Read(b []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(3, len(b))], s.left)
	s.left = s.left[n:]
	return n, nil
}

// nowhere swallows what is written.
type nowhere struct{ net.Conn }

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
