package auth

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"

	"github.com/pgcrew/pgcrew/common/passwd"
)

const (
	mechanism     = "SCRAM-SHA-256"
	mechanismPlus = "SCRAM-SHA-256-PLUS"
	iterations    = 4096 // for passwords stored in clear, and for users that do not exist
)

// scram plays the server of a SCRAM-SHA-256 exchange (RFC 5802, RFC 7677; protocol manual, "SASL
// Authentication"). A user without a fitting entry goes through the same steps and fails at the end.
// The client's proof gives away its ClientKey, which is then the Credential when nothing better is stored.
func (g *guest) scram(s passwd.Secret) error {
	key, known := g.verifier(s)
	binding, bound := g.binding()
	offer := []string{mechanism}
	if bound {
		offer = []string{mechanismPlus, mechanism}
	}
	if err := g.send(&pgproto3.AuthenticationSASL{AuthMechanisms: offer}); err != nil {
		return err
	}
	clientFirst, err := g.clientFirst(bound)
	if err != nil {
		return err
	}
	talk, err := g.conversation(key, binding, bound)
	if err != nil {
		return err
	}
	serverFirst, err := talk.Step(clientFirst)
	if err != nil {
		return g.badStep(serverFirst, err)
	}
	if err := g.send(&pgproto3.AuthenticationSASLContinue{Data: []byte(serverFirst)}); err != nil {
		return err
	}
	body, err := g.answer()
	if err != nil {
		return err
	}
	clientFinal := string(body)
	serverFinal, err := talk.Step(clientFinal)
	if err != nil {
		return g.badStep(serverFinal, err)
	}
	if !known || !talk.Valid() {
		return g.wrong(noEntry)
	}
	if !g.client.Credential.Known() {
		g.client.Credential = Credential{keys: g.door.Keys, scram: proofKey(key, clientFirst, serverFirst, clientFinal)}
	}
	return g.send(&pgproto3.AuthenticationSASLFinal{Data: []byte(serverFinal)})
}

// verifier returns what to check a client against. Without a fitting entry it is made up, the same
// one each time for the same user.
func (g *guest) verifier(s passwd.Secret) (key *scramKey, known bool) {
	if v, ok := s.SCRAM(); ok {
		return &scramKey{salt: string(v.Salt), iterations: v.Iterations, stored: v.StoredKey, server: v.ServerKey}, true
	}
	keys, user := g.door.Keys, g.client.User
	if clear, ok := s.Clear(); ok {
		return keys.derive(clear, keys.saltFor(user), iterations), true
	}
	return &scramKey{salt: keys.saltFor(user), iterations: iterations,
		stored: mac(keys.salt[:], "stored "+user), server: mac(keys.salt[:], "server "+user)}, false
}

func (g *guest) conversation(key *scramKey, binding scram.ChannelBinding, bound bool) (*scram.ServerConversation, error) {
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		// The user is the one of the startup packet, whatever the client wrote here.
		return scram.StoredCredentials{
			KeyFactors: scram.KeyFactors{Salt: key.salt, Iters: key.iterations},
			StoredKey:  key.stored, ServerKey: key.server,
		}, nil
	})
	if err != nil {
		return nil, err
	}
	nonce, err := g.door.Keys.bytes(18)
	if err != nil {
		return nil, err
	}
	server.WithNonceGenerator(func() string { return base64.StdEncoding.EncodeToString(nonce) })
	if bound {
		return server.NewConversationWithChannelBinding(binding), nil
	}
	return server.NewConversation(), nil
}

// binding returns the hash of our certificate (RFC 5929, tls-server-end-point). It is not available
// without TLS, when the certificate depends on the handshake, and for signatures that define no hash.
func (g *guest) binding() (scram.ChannelBinding, bool) {
	c := g.door.TLS
	if g.tls == nil || len(c.Certificates) != 1 || c.GetCertificate != nil || c.GetConfigForClient != nil {
		return scram.ChannelBinding{}, false
	}
	leaf := c.Certificates[0].Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(c.Certificates[0].Certificate[0]); err != nil {
			return scram.ChannelBinding{}, false
		}
	}
	b, err := scram.NewTLSServerEndpointBinding(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}})
	return b, err == nil
}

// clientFirst reads the SASLInitialResponse and returns the client-first-message.
func (g *guest) clientFirst(bound bool) (string, error) {
	body, err := g.answer()
	if err != nil {
		return "", err
	}
	chosen, data, err := saslInitial(body)
	if err != nil {
		return "", &Refusal{Code: codeProtocol, Message: "malformed SASLInitialResponse", Cause: err}
	}
	if chosen != mechanism && !(bound && chosen == mechanismPlus) {
		return "", &Refusal{Code: codeProtocol, Message: "client selected an invalid SASL authentication mechanism"}
	}
	if data == nil { // the client waits for an empty challenge first
		if err := g.send(&pgproto3.AuthenticationSASLContinue{}); err != nil {
			return "", err
		}
		if data, err = g.answer(); err != nil {
			return "", err
		}
	}
	first := string(data)
	if strings.HasPrefix(first, "p=") != (chosen == mechanismPlus) {
		return "", &Refusal{Code: codeProtocol, Message: "malformed SCRAM message",
			Detail: "The channel binding flag does not fit the selected mechanism."}
	}
	return first, nil
}

// saslInitial takes the message apart: mechanism NUL, length, data. A length of -1 is no data, nil.
func saslInitial(body []byte) (mechanism string, data []byte, err error) {
	name, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) < 4 {
		return "", nil, errors.New("it is too short")
	}
	n, data := int32(binary.BigEndian.Uint32(rest)), rest[4:]
	switch {
	case n == -1 && len(data) == 0:
		return string(name), nil, nil
	case int64(n) != int64(len(data)):
		return "", nil, errors.New("its length does not fit")
	}
	return string(name), data, nil
}

// badStep turns what the SCRAM library says into the server's own codes.
func (g *guest) badStep(said string, err error) error {
	switch said {
	case scram.ErrInvalidProof:
		return g.wrong(mismatch)
	case scram.ErrChannelBindingsDontMatch:
		return &Refusal{Code: codeRejected, Message: "SCRAM channel binding check failed", Cause: err}
	case scram.ErrServerDoesSupportChannelBinding:
		return &Refusal{Code: codeRejected, Message: "SCRAM channel binding negotiation error", Cause: err,
			Detail: "The client supports SCRAM channel binding but thinks the server does not. However, this server does."}
	case scram.ErrChannelBindingNotSupported, scram.ErrUnsupportedChannelBindingType:
		return &Refusal{Code: codeProtocol, Message: "unsupported SCRAM channel-binding type", Cause: err}
	}
	return &Refusal{Code: codeProtocol, Message: "malformed SCRAM message", Cause: err}
}

// proofKey takes the ClientKey out of a proof that was accepted: ClientProof is ClientKey XOR
// ClientSignature, and we know the latter (RFC 5802, section 3).
func proofKey(key *scramKey, clientFirst, serverFirst, clientFinal string) *scramKey {
	bare := clientFirst
	for range 2 { // behind the channel binding flag and the authorization identity
		_, bare, _ = strings.Cut(bare, ",")
	}
	at := strings.LastIndex(clientFinal, ",p=")
	proof, err := base64.StdEncoding.DecodeString(clientFinal[at+len(",p="):])
	signature := mac(key.stored, bare+","+serverFirst+","+clientFinal[:at])
	if err != nil || len(proof) != len(signature) {
		return nil
	}
	for i := range proof {
		proof[i] ^= signature[i]
	}
	return &scramKey{salt: key.salt, iterations: key.iterations, client: proof, stored: key.stored, server: key.server}
}
