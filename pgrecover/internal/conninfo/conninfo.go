// Package conninfo reads and changes libpq connection strings, such as primary_conninfo.
package conninfo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Conninfo is a connection string as keywords with values, in their order. Of a keyword that is there twice libpq
// takes the last.
type Conninfo []Pair

// A Pair is one keyword and its value, unquoted.
type Pair struct{ Key, Value string }

// Parse reads a connection string in one of the two forms of PostgreSQL's chapter "Connection Strings". It does not judge
// keywords, which are libpq's to know.
func Parse(s string) (Conninfo, error) {
	for _, scheme := range []string{"postgresql://", "postgres://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			return parseURI(rest)
		}
	}
	return parsePairs(s)
}

const space = " \t\n\r\v\f"

// parsePairs reads "keyword = value ..." as libpq's conninfo_parse does.
func parsePairs(s string) (c Conninfo, err error) {
	for s = strings.TrimLeft(s, space); s != ""; s = strings.TrimLeft(s, space) {
		end := strings.IndexAny(s, "="+space)
		if end < 0 {
			return nil, fmt.Errorf("there is no = after %.40q", s)
		}
		key := s[:end]
		rest, ok := strings.CutPrefix(strings.TrimLeft(s[end:], space), "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("there is no keyword and = at %.40q", s)
		}
		rest = strings.TrimLeft(rest, space)
		var value string
		if quoted, ok := strings.CutPrefix(rest, "'"); ok {
			value, s, err = quotedValue(quoted)
		} else {
			value, s = plainValue(rest)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if strings.IndexByte(key, 0) >= 0 || strings.IndexByte(value, 0) >= 0 {
			return nil, errors.New("there is a zero byte in it")
		}
		c = append(c, Pair{key, value})
	}
	return c, nil
}

// plainValue ends at white space; a backslash takes the next byte as it is.
func plainValue(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case strings.IndexByte(space, s[i]) >= 0:
			return b.String(), s[i:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] != '\\':
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

func quotedValue(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			return b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] != '\\':
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("its quoted value does not end")
}

// String writes the keyword form.
func (c Conninfo) String() string {
	var b strings.Builder
	for i, p := range c {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.Key + "=" + quote(p.Value))
	}
	return b.String()
}

func quote(value string) string {
	if value != "" && !strings.ContainsAny(value, `'\`+space) {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Get returns the value of a keyword, or "".
func (c Conninfo) Get(key string) string {
	for _, p := range slices.Backward(c) {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

// With returns it with one more keyword, or that keyword's value changed.
func (c Conninfo) With(key, value string) Conninfo {
	out := c.without(key)
	if at := slices.IndexFunc(c, func(p Pair) bool { return p.Key == key }); at >= 0 {
		return slices.Insert(out, at, Pair{key, value})
	}
	return append(out, Pair{key, value})
}

// Only returns what it has of some keywords.
func (c Conninfo) Only(keys ...string) (out Conninfo) {
	for _, p := range c {
		if slices.Contains(keys, p.Key) {
			out = append(out, p)
		}
	}
	return out
}

func (c Conninfo) without(keys ...string) Conninfo {
	return slices.DeleteFunc(slices.Clone(c), func(p Pair) bool { return slices.Contains(keys, p.Key) })
}

// To returns it with another server: host and port are replaced, hostaddr goes, which libpq would prefer to host, and so do
// target_session_attrs and load_balance_hosts, which choose among several. The rest is kept.
func (c Conninfo) To(host string, port int) Conninfo {
	c = c.without("hostaddr", "target_session_attrs", "load_balance_hosts")
	return c.With("host", host).With("port", strconv.Itoa(port))
}

// Redacted writes it for people: secrets are ***.
func (c Conninfo) Redacted() string {
	shown := slices.Clone(c)
	for i, p := range shown {
		if p.Key == "password" || p.Key == "sslpassword" {
			shown[i].Value = "***"
		}
	}
	return shown.String()
}
