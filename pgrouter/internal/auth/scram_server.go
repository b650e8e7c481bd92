package auth

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"

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
