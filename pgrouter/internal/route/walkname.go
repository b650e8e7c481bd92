package route

// name handles a word or a quoted identifier, of which t has all that is known.
func (w *walk) name(t *token, f *frame) Reason {
	if t.info == 0 && w.plain && f.place == inExpression && w.prev().kind != tokDot && w.prev().kind != tokTyping && !w.high &&
		!f.is(inColumns) && w.prev().info.word() != kwAs && w.prev().info.word() != kwUpdate {
		return ReasonNone // a column: the most frequent of all
	}
	if w.high && (w.env.Encoding != EncodingUTF8 || w.cat == nil || !w.cat.utf8) {
		return w.fail(ReasonEncoding, t)
	}
	if w.prev().kind == tokDot { // any word may be a column's name here
		t.info = t.info.plain()
	} else if f.place == inRelation {
		if w.prev().info.word() == kwRows && t.info.word() == kwFrom { // ROWS FROM (f(), g())
			f.place = atRelation
			return ReasonNone
		}
		if r := w.relation(f); r != ReasonNone {
			return r
		}
	}
	if w.label(f) {
		t.info = 0
		if f.place == afterItem {
			f.place = afterAlias
		}
		return ReasonNone
	}
	if w.typePlace(f) {
		if r := w.typeName(t); r != ReasonNone {
			return r
		}
	} else {
		w.typed = false
	}
	if t.info.word() != 0 {
		if r := w.keyword(t, f); r != ReasonNone {
			return r
		}
	}
	if t.info.word() == kwJoin && f.place == atRelation {
		return ReasonNone
	}
	if t.info&reserved != 0 {
		if f.place == atRelation && t.info.word() == 0 { // FROM current_date
			f.place = afterItem
		}
		return ReasonNone
	}
	if w.dml && w.prev().info.word() == kwUpdate {
		return w.fail(ReasonCTE, w.prev())
	}
	return w.identifier(t, f)
}

// label tells whether the current word is a name given by AS, which may be any word at all.
// AS in front of a type, as in CAST, is in parentheses of its own, where no SELECT has begun.
func (w *walk) label(f *frame) bool {
	return w.prev().info.word() == kwAs && f.is(inQuery) && f.place != afterCTE
}

// typePlace tells whether the current word is a type's name, or the schema before it.
func (w *walk) typePlace(f *frame) bool {
	switch w.prev().kind {
	case tokTyping:
		return true
	case tokDot:
		return w.typed
	case tokWord:
		if w.prev().info.word() == kwAs { // CAST (x AS type)
			return !f.is(inQuery|inBlind) && f.place == inExpression && w.depth > 0
		}
		return f.is(inColumns)
	case tokQuoted:
		return f.is(inColumns)
	}
	return false
}

// typeName judges a type by whether it is known; whether it is dangerous comes later.
func (w *walk) typeName(t *token) Reason {
	w.typed = false
	const fine = isType | columnName | reserved | parenOK | literalOK // the last two are in its spelling: varying, without
	if t.info&fine != 0 || w.cat == nil || w.cat.lenient {
		return ReasonNone
	}
	if ahead := w.lexer; ahead.next() == tokDot {
		w.typed = true
		return ReasonNone
	}
	return w.fail(ReasonUnknownType, t)
}

// identifier handles a name that is not a reserved word, by its place.
func (w *walk) identifier(t *token, f *frame) Reason {
	switch f.place {
	case atRelation:
		if w.copy && w.depth == 0 && t.info.word() == kwBinary {
			return ReasonNone
		}
		f.place, w.dotted = inRelation, false
	case inRelation:
		w.dotted = true
	case afterItem:
		if joinWord(t.info.word()) {
			f.place = inExpression
		} else if t.info.word() != kwOrdinality {
			f.place = afterAlias
			return ReasonNone
		}
	case afterAlias:
		f.place = inExpression
	case atCTE:
		if t.info.word() == kwRecursive {
			return ReasonNone
		}
		if w.cteCount == maxCTE {
			return w.fail(ReasonText, t)
		}
		w.ctes[w.cteCount] = t.start
		w.cteCount++
		f.place = afterCTE
	}
	if f.is(inBlind) {
		return ReasonNone
	}
	return w.judge(t, f)
}

// judge looks for danger in a name wherever it stands. A function's name is harmless by itself: it runs when '(' follows,
// which open sees, or as x.name, which may mean name(x). A type's name may run something without parentheses.
func (w *walk) judge(t *token, f *frame) Reason {
	facts := t.info
	field := w.prev().kind == tokDot
	relation := f.place == inRelation
	if facts&dangers != 0 {
		if facts&typeBad != 0 && !relation ||
			facts&relationBad != 0 && (relation || !field) ||
			facts&fieldBad != 0 && field && !relation {
			return w.fail(t.info.reason(), t)
		}
	}
	if w.env.Temp != nil && (relation || !field) && w.env.Temp.has(&w.lexer, t.kind) {
		return w.fail(ReasonTemp, t)
	}
	if t.info == 0 && equalPrefix(w.src[t.start:t.end], "pg_temp_") {
		return w.fail(ReasonTemp, t)
	}
	if w.cat == nil && !relation && f.place != afterCTE && !w.syntax(t) {
		return w.fail(ReasonNoCatalog, t)
	}
	return ReasonNone
}

// syntax tells whether t is a word that means something without a catalog.
func (w *walk) syntax(t *token) bool {
	return t.kind == tokWord && (t.info.word() != 0 || t.info&(columnName|parenOK) != 0) && w.prev().kind != tokDot
}

// joinWord tells whether w begins something else than an alias behind a FROM item.
func joinWord(w keyword) bool {
	switch w {
	case kwCross, kwFull, kwInner, kwJoin, kwLeft, kwNatural, kwRight, kwTablesample:
		return true
	}
	return false
}

// keyword handles the words that shape a query.
func (w *walk) keyword(t *token, f *frame) Reason {
	after := w.prev().info.word()
	switch t.info.word() {
	case kwInto:
		return w.fail(ReasonInto, t)
	case kwUpdate, kwNo, kwShare, kwKey:
		if after == kwFor {
			return w.fail(ReasonLock, t)
		}
	case kwSelect:
		*f = frame{in: f.in&inSquare | inQuery}
	case kwValues: // may be a column's or a relation's name elsewhere
		if w.queryStart(f) {
			*f = frame{in: f.in & inSquare}
		}
	case kwTable: // may be a column's label elsewhere
		if w.queryStart(f) {
			*f = frame{place: atRelation, in: f.in & inSquare}
		}
	case kwFrom:
		return w.fromWord(t, f)
	case kwTo:
		if w.copy && w.depth == 0 && !w.out {
			w.out = true
			f.place, f.in = inExpression, f.in|inBlind
		}
	case kwStdout, kwStdin:
		w.stdout = w.stdout || w.copy && w.depth == 0 && after == kwTo
	case kwJoin:
		if f.is(inQuery | inFrom) {
			f.place = atRelation
		}
	case kwOn, kwUsing:
		f.place = inExpression
	case kwGroup:
		if after != kwWithin {
			f.place, f.in = inExpression, f.in&^inFrom
		}
	case kwWhere, kwHaving, kwWindow, kwOrder, kwLimit, kwOffset, kwFetch, kwFor, kwUnion, kwIntersect, kwExcept:
		f.place, f.in = inExpression, f.in&^inFrom
	case kwWith:
		w.dml = true
		if w.queryStart(f) {
			f.place, f.in = atCTE, f.in&^inFrom|inWith
		}
	}
	if w.dml && after == kwUpdate && t.info.word() == kwOnly {
		return w.fail(ReasonCTE, w.prev())
	}
	return ReasonNone
}

// queryStart tells whether a query, or its next part, may begin behind the previous token.
func (w *walk) queryStart(f *frame) bool {
	switch w.prev().kind {
	case tokEnd, tokOpen:
		return true
	case tokClose:
		return f.is(inWith)
	}
	switch w.prev().info.word() {
	case kwAs, kwFor, kwUnion, kwIntersect, kwExcept, kwAll, kwDistinct:
		return true
	}
	return false
}

// fromWord handles FROM: the clause of a SELECT, a part of a function's syntax, DELETE FROM, COPY FROM.
func (w *walk) fromWord(t *token, f *frame) Reason {
	after := w.prev().info.word()
	switch {
	case w.dml && after == kwDelete:
		return w.fail(ReasonCTE, w.prev())
	case w.copy && w.depth == 0:
		return w.fail(ReasonKind, t)
	case after == kwDistinct && (w.prev2 == kwIs || w.prev2 == kwNot):
	case f.is(inQuery):
		f.place, f.in = atRelation, f.in|inFrom
	}
	return ReasonNone
}
