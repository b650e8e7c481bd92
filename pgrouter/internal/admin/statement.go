package admin

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// verb is what a statement does.
type verb uint8

const (
	show      verb = iota // SHOW POOL_...: name is the word
	showOne               // PGPOOL SHOW name
	showMany              // PGPOOL SHOW ALL, or a group
	set                   // PGPOOL SET name = value
	reset                 // PGPOOL RESET name
	resetAll              // PGPOOL RESET ALL
	emptyText             // nothing at all
)

// statement is a parsed statement.
type statement struct {
	verb  verb
	name  string // in lower case
	value string
}

// problem is an error for the client.
type problem struct{ code, message, hint string }

func (p *problem) Error() string { return p.message }

// response makes the message to the client.
func (p *problem) response() *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: p.code, Message: p.message, Hint: p.hint}
}

// asProblem makes any error one for the client.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return &problem{code: "XX000", message: err.Error()}
}

const usage = "PGPOOL SHOW {name|backend|health_check|watchdog|heartbeat|ALL}, PGPOOL SET name {=|TO} value, or PGPOOL RESET {name|ALL}."

func syntax(near string) *problem {
	if near == "" {
		return &problem{"42601", "syntax error at end of input", usage}
	}
	return &problem{"42601", `syntax error at or near "` + near + `"`, usage}
}

// parse reads a statement that Match has taken.
func parse(sql string) (statement, error) {
	t := tokens{rest: []byte(sql)}
	first := strings.ToLower(t.next())
	switch first {
	case "":
		return statement{verb: emptyText}, nil
	case "show":
		st := statement{verb: show, name: strings.ToLower(t.next())}
		if !known([]byte(st.name)) {
			return st, syntax(st.name)
		}
		return st, t.end()
	case "pgpool":
	default:
		return statement{}, syntax(first)
	}

	switch second := t.next(); strings.ToLower(second) {
	case "show":
		st, err := named(&t)
		if err != nil {
			return st, err
		}
		st.verb = showOne
		if st.name == "all" {
			st.verb = showMany
		}
		return st, t.end()
	case "reset":
		st, err := named(&t)
		if err != nil {
			return st, err
		}
		st.verb = reset
		if st.name == "all" {
			st.verb = resetAll
		}
		return st, t.end()
	case "set":
		return parseSet(&t)
	default:
		return statement{}, syntax(second)
	}
}

func parseSet(t *tokens) (statement, error) {
	st, err := named(t)
	if err != nil {
		return st, err
	}
	st.verb = set
	if by := t.next(); by != "=" && !strings.EqualFold(by, "to") {
		return st, syntax(by)
	}
	value := t.next()
	switch {
	case t.quoted:
	case value == "", value == ";", value == "=", value == "'":
		return st, syntax(value)
	case strings.EqualFold(value, "default"):
		st.verb = reset
	}
	st.value = value
	return st, t.end()
}

// named reads the name of a parameter.
func named(t *tokens) (statement, error) {
	name := t.next()
	if t.quoted || word([]byte(name)) != len(name) || name == "" {
		return statement{}, syntax(name)
	}
	return statement{name: strings.ToLower(name)}, nil
}

// tokens takes a statement apart: words and numbers with what sticks to them, quoted strings, and = and ; alone.
type tokens struct {
	rest   []byte
	quoted bool // the last one was in quotes
}

// next returns the next token, or "" at the end.
func (t *tokens) next() string {
	t.quoted = false
	t.rest = skip(t.rest)
	if len(t.rest) == 0 {
		return ""
	}
	n := 0
	switch t.rest[0] {
	case '=', ';':
		n = 1
	case '\'':
		return t.quote()
	default:
		for n < len(t.rest) && !strings.ContainsRune(" \t\n\v\f\r=;'", rune(t.rest[n])) {
			n++
		}
	}
	token := string(t.rest[:n])
	t.rest = t.rest[n:]
	return token
}

// quote reads a string in single quotes, where two stand for one. Without an end it is the quote alone, which nothing
// accepts.
func (t *tokens) quote() string {
	var out []byte
	s := t.rest[1:]
	for i := 0; i < len(s); i++ {
		if s[i] != '\'' {
			out = append(out, s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			out = append(out, '\'')
			i++
			continue
		}
		t.rest, t.quoted = s[i+1:], true
		return string(out)
	}
	t.rest = nil
	return "'"
}

// end takes semicolons, and nothing else.
func (t *tokens) end() error {
	for {
		switch token := t.next(); {
		case token == "" && !t.quoted:
			return nil
		case token != ";" || t.quoted:
			return syntax(token)
		}
	}
}
