package certs

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// opensslSuites are the ciphers of TLS 1.2 that both OpenSSL and Go have and that are not broken, by
// OpenSSL's names.
var opensslSuites = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-RSA-AES128-GCM-SHA256":   tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-RSA-AES256-GCM-SHA384":   tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-RSA-CHACHA20-POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-ECDSA-AES128-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	"ECDHE-RSA-AES128-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	"ECDHE-ECDSA-AES256-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	"ECDHE-RSA-AES256-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
}

// classes are words for sets of ciphers. Those that add are what Go's own choice is made of; those
// behind ! or - name what Go's choice does not contain anyway.
var (
	classes = map[string]bool{"HIGH": true, "MEDIUM": true, "ALL": true, "DEFAULT": true, "SECURE": true,
		"ECDH": true, "ECDHE": true, "EECDH": true, "AES": true, "AESGCM": true, "TLSv1.2": true}
	absent = map[string]bool{"aNULL": true, "eNULL": true, "NULL": true, "ADH": true, "AECDH": true, "EXP": true,
		"EXPORT": true, "LOW": true, "MD5": true, "RC4": true, "DES": true, "3DES": true, "PSK": true, "SRP": true,
		"IDEA": true, "SEED": true, "CAMELLIA": true, "DSS": true, "kRSA": true, "RSA+3DES": true, "DH": true, "DHE": true, "SSLv2": true, "SSLv3": true, "MEDIUM": true}
)

// cipherSuites reads an OpenSSL cipher list as far as Go can follow it: names of ciphers select them,
// words for sets stand for Go's own choice. It acts on TLS 1.2 only, like in OpenSSL. nil is Go's choice.
func cipherSuites(list string, tell func(string)) (suites []uint16) {
	all, removed := false, map[uint16]bool{}
	warn := func(format string, args ...any) {
		tell("ssl_ciphers: " + fmt.Sprintf(format, args...))
	}
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(":, ;", r) }) {
		name := strings.TrimLeft(word, "!-+")
		id, known := opensslSuites[name]
		switch sign := word[0]; {
		case sign == '+' || strings.HasPrefix(word, "@"): // order and security level are the library's
		case (sign == '!' || sign == '-') && known:
			removed[id] = true
		case (sign == '!' || sign == '-') && absent[name]:
		case sign != '!' && sign != '-' && known:
			suites = append(suites, id)
		case classes[name] && sign != '!' && sign != '-':
			all = true
		default:
			warn("%q is not understood and not followed", word)
		}
	}
	if len(suites) == 0 && !all {
		warn("no cipher of %q is available, the TLS library's own choice is used", list)
		all = true
	}
	if all && len(removed) == 0 {
		return nil
	}
	if all {
		suites = nil
		for _, s := range tls.CipherSuites() {
			suites = append(suites, s.ID)
		}
	}
	var left []uint16
	for _, id := range suites {
		if !removed[id] {
			left = append(left, id)
		}
	}
	if left == nil {
		warn("%q leaves no cipher, the TLS library's own choice is used", list)
	}
	return left
}

// curves reads names of curves joined by colons.
func curves(list string, warn func(string)) (ids []tls.CurveID) {
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' }) {
		switch strings.ToLower(name) {
		case "prime256v1", "secp256r1", "p-256":
			ids = append(ids, tls.CurveP256)
		case "secp384r1", "p-384":
			ids = append(ids, tls.CurveP384)
		case "secp521r1", "p-521":
			ids = append(ids, tls.CurveP521)
		case "x25519":
			ids = append(ids, tls.X25519)
		case "x25519mlkem768":
			ids = append(ids, tls.X25519MLKEM768)
		default:
			warn(fmt.Sprintf("ssl_ecdh_curve: %q is not known and not used", name))
		}
	}
	return ids
}
