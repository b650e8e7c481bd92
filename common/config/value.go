package config

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// A value is what a parameter is set to, ready for the getters.
type value struct {
	text  string   // as written, without quotes
	num   int64    // Bool (0 or 1), Int, Octal, Enum (index in Values), Duration (ns), Bytes
	real  float64  // Float
	word  string   // Text, Enum
	words []string // Flags, List, Patterns, Redirects

	set  bool // by file, flag, variable or session, not by default
	file string
	line int
}

// read turns text into a value of p, or says what is allowed.
func (p *Param) read(text string) (value, *fault) {
	v := value{text: text}
	var f *fault
	switch p.Kind {
	case Bool:
		v.num, f = p.readBool(text)
	case Int, Octal, Duration, Bytes:
		v.num, f = p.readNumber(text)
	case Float:
		v.real, f = p.readFloat(text)
	case Text:
		v.word = text
	case Enum:
		v.num, v.word, f = p.readEnum(text)
	default:
		v.words, f = p.readList(text)
	}
	return v, f
}

// readBool takes true, false, yes, no, on, off, 1, 0 and unique beginnings of them, in any case.
func (p *Param) readBool(text string) (int64, *fault) {
	low := strings.ToLower(text)
	switch {
	case low == "":
	case low == "1", low == "on", strings.HasPrefix("true", low), strings.HasPrefix("yes", low):
		return 1, nil
	case low == "0", low == "of", low == "off", strings.HasPrefix("false", low), strings.HasPrefix("no", low):
		return 0, nil
	}
	return 0, p.refuse(text, "on or off")
}

func (p *Param) readFloat(text string) (float64, *fault) {
	min, max := p.bounds()
	// Only what the file could hold without quotes: no NaN, Inf, hexadecimal, underscores.
	if n, rest := scanNumber(text); n != text || rest != "" {
		return 0, p.refuse(text, fmt.Sprintf("a number from %d to %d", min, max))
	}
	real, err := strconv.ParseFloat(text, 64)
	if err != nil || real < float64(min) || real > float64(max) {
		return 0, p.refuse(text, fmt.Sprintf("a number from %d to %d", min, max))
	}
	return real, nil
}

func (p *Param) readEnum(text string) (int64, string, *fault) {
	for i, known := range p.Values {
		if !strings.EqualFold(text, known) {
			continue
		}
		if why := p.Missing[known]; why != "" {
			return 0, "", &fault{fmt.Sprintf("%s = %s", p.Name, known), why}
		}
		return int64(i), known, nil
	}
	return 0, "", p.refuse(text, "one of "+p.offered())
}

// offered lists the values that can be used now.
func (p *Param) offered() string {
	var names []string
	for _, v := range p.Values {
		if p.Missing[v] == "" {
			names = append(names, v)
		}
	}
	return strings.Join(names, ", ")
}

// readList takes members apart, and checks each.
func (p *Param) readList(text string) ([]string, *fault) {
	words := split(text, p.separator())
	for i, word := range words {
		if p.Values != nil {
			at := slices.IndexFunc(p.Values, func(known string) bool { return strings.EqualFold(known, word) })
			if at < 0 {
				return nil, p.refuse(word, "some of "+strings.Join(p.Values, p.separator()))
			}
			words[i] = p.Values[at]
		}
		if p.Kind == Patterns {
			if _, err := syntax.Parse(word, syntax.Perl); err != nil {
				return nil, &fault{fmt.Sprintf("%s: %q is no regular expression", p.Name, word), err.Error()}
			}
		}
		if p.Kind == Redirects {
			if _, err := redirect(word); err != nil {
				return nil, p.refuse(word, "pattern:node(weight), where node is primary, standby or a number and the optional weight is from 0 to 1")
			}
		}
	}
	if p.Kind == Flags && slices.Contains(words, "ALLOW_TO_FAILOVER") && slices.Contains(words, "DISALLOW_TO_FAILOVER") {
		return nil, &fault{fmt.Sprintf("%s: %q says both", p.Name, text), "choose ALLOW_TO_FAILOVER or DISALLOW_TO_FAILOVER"}
	}
	return words, nil
}

// split cuts text at sep, except where a backslash stands before it, and drops white space around
// the members and empty members.
func split(text, sep string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if w := strings.TrimSpace(word.String()); w != "" {
			words = append(words, w)
		}
		word.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && strings.HasPrefix(text[i+1:], sep):
			word.WriteString(sep)
			i += len(sep)
		case strings.HasPrefix(text[i:], sep):
			end()
			i += len(sep) - 1
		default:
			word.WriteByte(text[i])
		}
	}
	end()
	return words
}

// refuse says that text is no value for p, and what would be.
func (p *Param) refuse(text, allowed string) *fault {
	shown := strconv.Quote(shorten(text))
	if p.Secret {
		shown = "the value"
	}
	return &fault{fmt.Sprintf("%s: %s is not allowed", p.Name, shown), "write " + allowed}
}
