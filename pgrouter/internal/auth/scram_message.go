package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"
)

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
