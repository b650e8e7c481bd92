package route

// Limits of a query that is read to its end. Beyond them it goes to the primary.
const (
	maxDepth = 64 // parentheses in each other
	maxCTE   = 20 // names defined by WITH
)

// place is what the next identifier of a parenthesis level would be.
type place uint8

const (
	inExpression place = iota
	atRelation         // FROM, JOIN or a comma before it: a relation, a function, a subquery
	inRelation         // its name has begun
	afterItem          // an alias may come
	afterAlias         // a list of columns may come
	atCTE              // the name of a WITH query
	afterCTE           // its columns, AS
)

// frame is what is open at one level of parentheses. It is small, because a walk clears all of them.
type frame struct {
	place place
	in    clause
}

// clause is a set of infos about a frame.
type clause uint8

const (
	inQuery   clause = 1 << iota // a SELECT has begun here: FROM is its clause, AS names a column
	inFrom                       // in its FROM clause: a comma brings the next item
	inWith                       // in a WITH clause: a comma brings the next name
	inBlind                      // the options of COPY: names mean nothing
	inSquare                     // opened by [
	inColumns                    // the columns of an alias, which may have types
)

func (f *frame) is(c clause) bool { return f.in&c != 0 }

// token is what is remembered of one. info is zero for a name that is not in the catalog.
type token struct {
	start, end uint32
	info       info
	kind       kind
}

// walk reads one query from its first token and proves it a read, or says why not. It lives on the stack.
type walk struct {
	lexer
	env   *Env
	names *names
	cat   *Catalog // nil: no name can be trusted

	depth    int
	frames   [maxDepth]frame
	ctes     [maxCTE]uint32 // where the names begin
	cteCount int
	tokens   [2]token // the current and the previous one, in turn
	turn     uint8    // which one is the current
	prev2    keyword  // before prev
	dotted   bool     // the relation being named has a schema
	typed    bool     // the name before the dot is the schema of a type
	dml      bool     // a WITH or COPY was seen, so that INSERT, UPDATE, DELETE may be a part of the query
	copy     bool     // the query is COPY
	plain    bool     // a name that is not known and stands where a column may stand is harmless
	out      bool     // COPY ... TO was seen
	stdout   bool     // COPY ... TO STDOUT was seen

	at, end uint32 // the name that decided
}

// fail notes the place and gives the reason.
func (w *walk) fail(r Reason, t *token) Reason {
	w.at, w.end = t.start, t.end
	return r
}

// prev is the token before the current one.
func (w *walk) prev() *token { return &w.tokens[w.turn&1^1] }

// read goes from the token that was just taken to the end of the statement, or to the first thing that keeps it on the
// primary. first is that token's kind.
func (w *walk) read(first kind) Reason {
	for k := first; ; k = w.next() {
		t := &w.tokens[w.turn&1]
		t.kind, t.info, t.start, t.end = k, 0, uint32(w.start), uint32(w.pos)
		f := &w.frames[w.depth]
		r := ReasonNone
		switch k {
		case tokWord, tokQuoted:
			t.info = w.names.find(&w.lexer, k)
			r = w.name(t, f)
		case tokDot:
			if p := w.prev(); p.kind == tokNumber || p.kind == tokString {
				r = w.fail(ReasonText, t)
			}
		case tokOpen:
			r = w.open(t, f)
		default:
			if f.place == inRelation {
				if r = w.relation(f); r != ReasonNone {
					return r
				}
			}
			if k == tokEnd || k == tokSemi {
				if w.depth > 0 {
					return w.fail(ReasonText, t)
				}
				return ReasonNone
			}
			r = w.other(t, f)
		}
		if r != ReasonNone {
			return r
		}
		w.prev2 = w.prev().info.word()
		w.turn++
	}
}

// other handles what is neither a name nor changes the depth to more.
func (w *walk) other(t *token, f *frame) Reason {
	switch t.kind {
	case tokBad:
		return w.fail(ReasonText, t)
	case tokClose:
		if w.depth == 0 || (w.src[t.start] == ']') != f.is(inSquare) {
			return w.fail(ReasonText, t)
		}
		w.depth--
	case tokComma:
		if f.is(inFrom) {
			f.place = atRelation
		} else if f.is(inWith) {
			f.place = atCTE
		}
	case tokOp:
		return w.operators(t)
	case tokString:
		return w.literal(t, f)
	}
	return ReasonNone
}

// open handles '(' and '['.
func (w *walk) open(t *token, f *frame) Reason {
	if w.depth+1 >= maxDepth {
		return w.fail(ReasonText, t)
	}
	child := frame{in: f.in & inBlind}
	if w.src[t.start] == '[' {
		if f.place == inRelation {
			if r := w.relation(f); r != ReasonNone {
				return r
			}
		}
		child.in |= inSquare
		w.push(child)
		return ReasonNone
	}
	named := w.prev().kind == tokWord || w.prev().kind == tokQuoted
	switch f.place {
	case atRelation:
		f.place = afterItem
		child.place, child.in = atRelation, child.in|inFrom
	case inRelation:
		if !w.copy || w.depth > 0 || f.is(inQuery) {
			if r := w.call(); r != ReasonNone {
				return r
			}
			f.place = afterItem
			break
		}
		if r := w.relation(f); r != ReasonNone {
			return r
		}
	case afterAlias:
		f.place = inExpression
		child.in |= inColumns
	case afterCTE:
	default:
		if f.place == afterItem && w.prev().info.word() == kwAs {
			child.in |= inColumns
		}
		if named && !f.is(inBlind) {
			if r := w.call(); r != ReasonNone {
				return r
			}
		}
	}
	w.push(child)
	return ReasonNone
}

func (w *walk) push(f frame) {
	w.depth++
	w.frames[w.depth] = f
}

// call judges the previous token as the name before '('.
func (w *walk) call() Reason {
	p := w.prev()
	if p.info&(callBad|typeBad) != 0 {
		return w.fail(p.info.reason(), p)
	}
	if p.info&(reserved|columnName) != 0 && p.kind == tokWord {
		return ReasonNone
	}
	if w.cat == nil {
		return w.fail(ReasonNoCatalog, p)
	}
	if p.info&(isFunction|isType|parenOK) == 0 && !w.cat.lenient {
		return w.fail(ReasonUnknownName, p)
	}
	return ReasonNone
}

// relation judges the name that has just ended, in the place of a relation.
func (w *walk) relation(f *frame) Reason {
	f.place = afterItem
	p := w.prev()
	if p.kind != tokWord && p.kind != tokQuoted {
		return w.fail(ReasonText, p)
	}
	if p.info&relationBad != 0 {
		return w.fail(p.info.reason(), p)
	}
	if p.info&isRelation != 0 || !w.dotted && w.cteCount > 0 && w.isCTE(p) {
		return ReasonNone
	}
	switch {
	case w.cat == nil:
		return w.fail(ReasonNoCatalog, p)
	case w.cat.lenient:
		return ReasonNone
	}
	return w.fail(ReasonUnknownRelation, p)
}

// isCTE tells whether t is a name that a WITH of this statement has defined.
func (w *walk) isCTE(t *token) bool {
	var a, b [maxName]byte
	own := lexer{src: w.src, start: int(t.start), pos: int(t.end)}
	name := own.identifier(a[:0], t.kind)
	for _, at := range w.ctes[:w.cteCount] {
		l := lexer{src: w.src, pos: int(at), std: w.std}
		if k := l.next(); string(l.identifier(b[:0], k)) == string(name) {
			return true
		}
	}
	return false
}

// operators judges a run of operator characters: it is dangerous when it holds a dangerous symbol.
func (w *walk) operators(t *token) Reason {
	run := w.src[t.start:t.end]
	if w.cat == nil {
		if !plainOperator(run) {
			return w.fail(ReasonNoCatalog, t)
		}
		return ReasonNone
	}
	for _, symbol := range w.cat.operators {
		if contains(run, symbol) {
			return w.fail(ReasonOperator, t)
		}
	}
	return ReasonNone
}

// literal judges a string: it may be the name of a parameter by which clients look for the primary, or the value of a
// type that is written before it.
func (w *walk) literal(t *token, f *frame) Reason {
	s := w.src[t.start:t.end]
	if len(s) > 2 && (equalFold(s[1:len(s)-1], "transaction_read_only") || equalFold(s[1:len(s)-1], "in_hot_standby")) {
		return w.fail(ReasonServerState, t)
	}
	const fine = reserved | columnName | parenOK | literalOK | isType
	if (w.prev().kind == tokWord || w.prev().kind == tokQuoted) && w.prev().info&fine == 0 && !f.is(inBlind) &&
		w.cat != nil && !w.cat.lenient {
		return w.fail(ReasonUnknownType, w.prev())
	}
	return ReasonNone
}

func contains(s []byte, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if string(s[i:i+len(sub)]) == sub {
			return true
		}
	}
	return false
}

func equalPrefix(s []byte, lower string) bool {
	return len(s) >= len(lower) && equalFold(s[:len(lower)], lower)
}

func equalFold(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i, c := range s {
		if fold[c] != lower[i] {
			return false
		}
	}
	return true
}

// plainOperator tells whether run is an operator that needs no catalog: arithmetic and comparison, for which
// pg_catalog comes first in every search path that does not name it, and a user's own needs a user's own type.
func plainOperator(run []byte) bool {
	switch string(run) {
	case "+", "-", "*", "/", "%", "<", ">", "=", "<=", ">=", "<>", "!=", "||":
		return true
	}
	return false
}
