package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Protocol versions, as the first word of a startup packet holds them (major in the upper 16 bits).
const (
	Version30     uint32 = 3 << 16
	Version32     uint32 = 3<<16 | 2
	VersionNewest        = Version32
)

// Startup packets that are not sessions carry one of these codes where the version would be
// (protocol manual, "Message Formats": CancelRequest, SSLRequest, GSSENCRequest).
const (
	codeCancel uint32 = 1234<<16 | 5678
	codeSSL    uint32 = 1234<<16 | 5679
	codeGSSENC uint32 = 1234<<16 | 5680
)

// MaxStartup is the longest startup packet in bytes, its length word included. It is PostgreSQL's
// MAX_STARTUP_PACKET_LENGTH, so what a server would take passes here too.
const MaxStartup = 10000

// Lengths of a cancel key in bytes. Protocol 3.0 has exactly MinCancelKey, 3.2 allows up to MaxCancelKey.
const (
	MinCancelKey = 4
	MaxCancelKey = 256
)

// protocolOption begins the name of a startup parameter that belongs to the protocol and not to the server.
const protocolOption = "_pq_."

// StartupKind tells the four packets apart with which a client may begin.
type StartupKind uint8

const (
	KindStartup StartupKind = iota // a session: StartupPacket.Startup
	KindSSL                        // SSLRequest: answer 'S' or 'N'
	KindGSSENC                     // GSSENCRequest: answer 'N'
	KindCancel                     // CancelRequest: StartupPacket.Cancel
)

// StartupPacket is a decoded packet of the untyped kind that opens a connection.
type StartupPacket struct {
	Kind    StartupKind
	Startup *Startup
	Cancel  *CancelRequest
}

// Startup is a StartupMessage of protocol 3.
type Startup struct {
	Version uint32
	Params  [][2]string // names and values in the order of the packet, "user" and "database" among them
}

// CancelRequest asks to cancel what the session with this key is doing.
type CancelRequest struct {
	PID uint32
	Key []byte // MinCancelKey to MaxCancelKey bytes
}

// StartupError is a startup packet that cannot be served. Its fields are those of the ErrorResponse
// that the client should see, when it can be told at all.
type StartupError struct {
	Code string // SQLSTATE
	Text string
}

func (e *StartupError) Error() string { return e.Text }

func badStartup(format string, args ...any) error {
	return &StartupError{Code: "08P01", Text: fmt.Sprintf(format, args...)}
}

// StartupLength returns how many bytes follow the length word with which every startup packet begins.
// The error is a *StartupError.
func StartupLength(word [4]byte) (int, error) {
	n := binary.BigEndian.Uint32(word[:])
	if n < 8 || n > MaxStartup {
		return 0, badStartup("invalid length of startup packet: %d bytes, allowed are 8 to %d", n, MaxStartup)
	}
	return int(n) - 4, nil
}

// DecodeStartup decodes a startup packet without its length word. The result does not point into body.
// The error is a *StartupError.
func DecodeStartup(body []byte) (StartupPacket, error) {
	if len(body) < 4 || len(body) > MaxStartup-4 {
		return StartupPacket{}, badStartup("invalid length of startup packet")
	}
	code, rest := binary.BigEndian.Uint32(body), body[4:]
	switch code {
	case codeSSL, codeGSSENC:
		if len(rest) != 0 {
			return StartupPacket{}, badStartup("invalid length of encryption request: %d bytes too many", len(rest))
		}
		if code == codeSSL {
			return StartupPacket{Kind: KindSSL}, nil
		}
		return StartupPacket{Kind: KindGSSENC}, nil
	case codeCancel:
		c, err := decodeCancel(rest)
		return StartupPacket{Kind: KindCancel, Cancel: c}, err
	}
	if code>>16 != 3 {
		return StartupPacket{}, &StartupError{Code: "0A000", Text: fmt.Sprintf(
			"unsupported frontend protocol %d.%d: pgrouter supports 3.0 to 3.2", code>>16, code&0xffff)}
	}
	params, err := decodeParams(rest)
	if err != nil {
		return StartupPacket{}, err
	}
	return StartupPacket{Kind: KindStartup, Startup: &Startup{Version: code, Params: params}}, nil
}

func decodeCancel(rest []byte) (*CancelRequest, error) {
	key := len(rest) - 4
	if key < MinCancelKey || key > MaxCancelKey {
		return nil, badStartup("invalid length of cancel request: the key has %d bytes, allowed are %d to %d",
			max(key, 0), MinCancelKey, MaxCancelKey)
	}
	return &CancelRequest{PID: binary.BigEndian.Uint32(rest), Key: bytes.Clone(rest[4:])}, nil
}

// decodeParams takes apart name NUL value NUL ... NUL.
func decodeParams(rest []byte) ([][2]string, error) {
	var params [][2]string
	for {
		name, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return nil, badStartup("invalid startup packet layout: expected terminator as last byte")
		}
		if len(name) == 0 {
			if len(after) != 0 {
				return nil, badStartup("invalid startup packet layout: %d bytes behind the terminator", len(after))
			}
			return params, nil
		}
		value, after, ok := bytes.Cut(after, []byte{0})
		if !ok {
			return nil, badStartup("invalid startup packet layout: parameter %q has no value", name)
		}
		params = append(params, [2]string{string(name), string(value)})
		rest = after
	}
}

// Param returns the value of a parameter. The last one wins, as in the server.
func (s *Startup) Param(name string) (string, bool) {
	for i := len(s.Params) - 1; i >= 0; i-- {
		if s.Params[i][0] == name {
			return s.Params[i][1], true
		}
	}
	return "", false
}

// Negotiate returns the version that the session will use and the names of the protocol options that
// are unknown, which is all of them. When needed is set the client must be sent NegotiateProtocolVersion
// before anything else (protocol manual, "Protocol Flow", Start-up).
func (s *Startup) Negotiate() (version uint32, unknown []string, needed bool) {
	for _, p := range s.Params {
		if strings.HasPrefix(p[0], protocolOption) {
			unknown = append(unknown, p[0])
		}
	}
	version = min(s.Version, VersionNewest)
	return version, unknown, version != s.Version || unknown != nil
}

// ErrNUL is a startup parameter with a zero byte, which the protocol cannot carry.
var ErrNUL = errors.New("startup parameter contains a zero byte or has no name")

// AppendStartup appends the whole packet, length word included. It refuses what would be read as
// something else at the other end: a zero byte, an empty name, a packet over MaxStartup.
func AppendStartup(dst []byte, s *Startup) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, s.Version)
	for _, p := range s.Params {
		if p[0] == "" || strings.IndexByte(p[0], 0) >= 0 || strings.IndexByte(p[1], 0) >= 0 {
			return dst[:start], fmt.Errorf("%w: %q", ErrNUL, p[0])
		}
		dst = append(append(dst, p[0]...), 0)
		dst = append(append(dst, p[1]...), 0)
	}
	dst = append(dst, 0)
	if n := len(dst) - start; n > MaxStartup {
		return dst[:start], badStartup("startup packet of %d bytes: a server takes at most %d", n, MaxStartup)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}

// AppendCancel appends a CancelRequest.
func AppendCancel(dst []byte, c *CancelRequest) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(12+len(c.Key)))
	dst = binary.BigEndian.AppendUint32(dst, codeCancel)
	dst = binary.BigEndian.AppendUint32(dst, c.PID)
	return append(dst, c.Key...)
}

// AppendSSLRequest appends an SSLRequest; the other side answers with the one byte 'S' or 'N'.
func AppendSSLRequest(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 8)
	return binary.BigEndian.AppendUint32(dst, codeSSL)
}

// AppendGSSENCRequest appends a GSSENCRequest.
func AppendGSSENCRequest(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 8)
	return binary.BigEndian.AppendUint32(dst, codeGSSENC)
}

// AppendNegotiate appends a NegotiateProtocolVersion message with the results of Startup.Negotiate.
func AppendNegotiate(dst []byte, version uint32, unknown []string) []byte {
	start := len(dst)
	dst = append(dst, 'v', 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, version)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(unknown)))
	for _, name := range unknown {
		dst = append(append(dst, name...), 0)
	}
	binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	return dst
}
