package route

import "strings"

// Encoding is what the classifier has to know of a client_encoding.
type Encoding uint8

const (
	EncodingUnsafe Encoding = iota // unknown, or a character's second byte can be a backslash or quote: nothing is read
	EncodingASCII                  // bytes below 128 are themselves; names with others cannot be looked up
	EncodingUTF8                   // names can be looked up as they stand
)

// ClientEncoding gives the class of a client_encoding, as a ParameterStatus message names it.
func ClientEncoding(name string) Encoding {
	switch strings.ToUpper(name) {
	case "UTF8", "UTF-8", "UNICODE":
		return EncodingUTF8
	case "SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "GB18030", "JOHAB":
		return EncodingUnsafe
	case "SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "MULE_INTERNAL", "KOI8R", "KOI8U":
		return EncodingASCII
	}
	for _, prefix := range []string{"LATIN", "ISO_8859_", "WIN"} {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return EncodingASCII
		}
	}
	return EncodingUnsafe
}
