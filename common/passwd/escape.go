package passwd

import "strings"

// lines splits text, without a byte order mark and without the carriage returns of other systems.
func lines(text []byte) []string {
	all := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], "\r")
	}
	return all
}

// field returns the text up to the first colon that no backslash precedes, unescaped, and what is
// behind that colon. Without such a colon the field is all of s.
func field(s string) (text, rest string, colon bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			return unescape(s[:i]), s[i+1:], true
		}
	}
	return unescape(s), "", false
}

// unescape replaces \: and \\, and a backslash before anything else by what follows it.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
