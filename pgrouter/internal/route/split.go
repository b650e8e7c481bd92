package route

// splitter follows a statement to the ';' that ends it. As in psql, a ';' in parentheses (CREATE RULE) or in the body of a
// function (BEGIN ATOMIC ... END) ends nothing.
type splitter struct {
	depth  int
	bodies int // BEGIN and CASE that are open
	words  int // seen so far, up to the ones that say what is created
	body   bool
	create bool
}

// ends tells whether the token of kind k that l has read ends the statement.
func (s *splitter) ends(l *lexer, k kind) bool {
	switch k {
	case tokOpen:
		s.depth++
	case tokClose:
		s.depth--
	case tokSemi:
		return s.depth <= 0 && s.bodies == 0
	case tokWord:
		if s.words < 4 {
			s.first(l)
		} else if s.body && s.depth <= 0 {
			s.inner(l)
		}
	}
	return false
}

// first looks for CREATE [OR REPLACE] FUNCTION or PROCEDURE.
func (s *splitter) first(l *lexer) {
	s.words++
	word := l.src[l.start:l.pos]
	switch {
	case s.words == 1:
		s.create = equalFold(word, "create")
		if !s.create {
			s.words = 4
		}
	case equalFold(word, "function"), equalFold(word, "procedure"):
		s.body = s.create
		s.words = 4
	case !equalFold(word, "or") && !equalFold(word, "replace"):
		s.words = 4
	}
}

func (s *splitter) inner(l *lexer) {
	word := l.src[l.start:l.pos]
	switch {
	case equalFold(word, "begin"):
		s.bodies++
	case equalFold(word, "case"):
		if s.bodies > 0 {
			s.bodies++
		}
	case equalFold(word, "end"):
		if s.bodies > 0 {
			s.bodies--
		}
	}
}

// NextStatement gives the index just behind the ';' that ends the first statement of sql, or len(sql) when there is
// none. stdStrings is standard_conforming_strings. The result is greater than 0 unless sql is empty. The statement may
// turn out Empty; a text that cannot be read is one statement.
func NextStatement(sql []byte, stdStrings bool) (end int) {
	l := lexer{src: sql, std: stdStrings}
	var s splitter
	for {
		k := l.next()
		if k == tokEnd {
			return len(sql)
		}
		if s.ends(&l, k) {
			return l.pos
		}
	}
}
