package route

// build concludes from a snapshot which names are dangerous. Definitions are read by the classifier itself, again and again until
// nothing changes: a view is as dangerous as the functions and views in it.
func (sn *snapshot) build(set CatalogSettings) *Catalog {
	b := builder{sn: sn, set: set, cat: newCatalog()}
	b.cat.utf8 = sn.utf8
	b.types = make(map[uint32]*dataType)
	b.relations = make(map[uint32]*relation)
	addKeywords(&b.cat.names)
	b.fixed()
	b.addTypes()
	b.addRelations()
	b.addFunctions()
	b.addOperators()
	for b.changed = true; b.changed; {
		b.changed = false
		b.round()
	}
	return b.cat
}

type builder struct {
	sn        *snapshot
	set       CatalogSettings
	cat       *Catalog
	types     map[uint32]*dataType
	relations map[uint32]*relation
	changed   bool
}

func (b *builder) entry(name string) *info { return b.cat.names.entry(name) }

// mark adds a danger to a name.
func (b *builder) mark(name string, f info, r Reason) {
	if b.entry(name).bad(f, r) {
		b.changed = true
	}
}

// fixed adds what is dangerous in every database.
func (b *builder) fixed() {
	b.mark("pg_temp", relationBad, ReasonTemp)
	b.mark("information_schema", relationBad, ReasonSystem)
}

func (b *builder) addTypes() {
	for i := range b.sn.types {
		t := &b.sn.types[i]
		b.types[t.id] = t
		if in := b.entry(t.name); in != nil {
			*in |= isType
		}
		if t.volatile {
			b.markType(t)
		}
	}
	for _, c := range b.sn.casts {
		if c.implicit {
			b.cat.nothing = ReasonImplicitCast
		} else if t := b.types[c.target]; t != nil {
			b.markType(t)
		}
	}
}

// markType makes a type dangerous, under all its names.
func (b *builder) markType(t *dataType) {
	if t.bad {
		return
	}
	t.bad, b.changed = true, true
	b.mark(t.name, typeBad, ReasonFunction)
	if t.builtin {
		for _, name := range spellings[t.name] {
			b.mark(name, typeBad, ReasonFunction)
		}
	}
}

func (b *builder) addRelations() {
	for i := range b.sn.relations {
		r := &b.sn.relations[i]
		b.relations[r.id] = r
		if in := b.entry(r.name); in != nil {
			*in |= isRelation
		}
		switch {
		case r.schema == "pg_catalog":
			b.markRelation(r, ReasonSystem)
		case r.persistence == 't' && b.set.CheckTemp:
			b.markRelation(r, ReasonTemp)
		case r.persistence == 'u' && b.set.CheckUnlogged, r.kind == 'f', r.kind == 'S':
			b.markRelation(r, ReasonRelation)
		}
	}
}

func (b *builder) markRelation(r *relation, why Reason) {
	if !r.bad {
		r.bad, b.changed = true, true
		b.mark(r.name, relationBad, why)
	}
}

func (b *builder) addFunctions() {
	for i := range b.sn.functions {
		f := &b.sn.functions[i]
		in := b.entry(f.name)
		if in == nil {
			continue
		}
		*in |= isFunction
		if !f.callable {
			continue
		}
		why, trusted := b.set.judge(f)
		f.trusted = trusted
		if why != ReasonNone {
			b.markFunction(f, why)
		}
	}
}

func (b *builder) markFunction(f *function, why Reason) {
	facts := callBad
	if f.single {
		facts |= fieldBad
	}
	b.mark(f.name, facts, why)
}

func (b *builder) addOperators() {
	b.cat.operators = b.sn.operators
	for _, o := range b.sn.operators {
		if implicit[o] {
			b.cat.nothing = ReasonOperator
		}
	}
	if b.sn.volatileSort {
		b.cat.nothing = ReasonOperator
	}
	if b.sn.serializable {
		b.cat.nothing = ReasonTransaction
	}
}

// round looks at every definition once with what is known so far.
func (b *builder) round() {
	for i := range b.sn.relations {
		if r := &b.sn.relations[i]; !r.bad && r.definition != "" {
			if why := b.query(r.definition); why != ReasonNone {
				b.markRelation(r, why)
			}
		}
	}
	for _, p := range b.sn.policies {
		if r := b.relations[p.id]; r != nil && !r.bad {
			if why := b.query("SELECT " + p.text); why != ReasonNone {
				b.markRelation(r, why)
			}
		}
	}
	for _, pair := range b.sn.inherits {
		if parent, child := b.relations[pair[0]], b.relations[pair[1]]; parent != nil && child != nil && child.bad {
			b.markRelation(parent, ReasonRelation)
		}
	}
	for _, c := range b.sn.checks {
		if t := b.types[c.id]; t != nil && !t.bad && b.query("SELECT "+c.text) != ReasonNone {
			b.markType(t)
		}
	}
	b.roundTypes()
	b.roundFunctions()
}

// roundTypes makes types dangerous that are made of dangerous ones.
func (b *builder) roundTypes() {
	bad := func(id uint32) bool {
		t := b.types[id]
		return t != nil && t.bad
	}
	for _, a := range b.sn.attributes {
		r := b.relations[a[0]]
		if !bad(a[1]) {
			continue
		}
		if r == nil { // a composite type
			for i := range b.sn.types {
				if t := &b.sn.types[i]; t.relation == a[0] {
					b.markType(t)
				}
			}
		} else if t := b.types[r.rowType]; t != nil {
			b.markType(t)
		}
	}
	for i := range b.sn.types {
		if t := &b.sn.types[i]; !t.bad && (bad(t.base) || bad(t.element) || bad(t.subtype)) {
			b.markType(t)
		}
	}
}

func (b *builder) roundFunctions() {
	for i := range b.sn.functions {
		f := &b.sn.functions[i]
		in := b.entry(f.name)
		if in == nil || !f.callable || f.trusted || *in&callBad != 0 && (!f.single || *in&fieldBad != 0) {
			continue
		}
		bad := f.defaultArgs != "" && b.query("SELECT "+f.defaultArgs) != ReasonNone || f.body != "" && b.mentions(f.body)
		for _, id := range f.types {
			t := b.types[id]
			bad = bad || t != nil && t.bad
		}
		if bad {
			b.markFunction(f, ReasonFunction)
		}
	}
}

// query reads a definition as PostgreSQL prints it.
func (b *builder) query(text string) Reason {
	c := Classifier{set: Settings{AllowSQLComments: true, IgnoreLeadingSpace: true}}
	nothing := b.cat.nothing
	b.cat.nothing = ReasonNone
	v := c.Classify([]byte(text), &Env{Catalog: b.cat, StandardStrings: true, Encoding: EncodingUTF8})
	b.cat.nothing = nothing
	if v.Target == Balance {
		return ReasonNone
	}
	return v.Reason
}

// mentions tells whether a function's body uses a dangerous name. A function that is not volatile cannot write by
// statements, so that only names matter; names in strings that it executes are not seen.
func (b *builder) mentions(body string) bool {
	l := lexer{src: []byte(body), std: true}
	prev := tokEnd
	for {
		k := l.next()
		if k == tokEnd {
			return false
		}
		if k == tokWord || k == tokQuoted {
			in := b.cat.names.find(&l, k)
			ahead := l
			called := ahead.next() == tokOpen
			switch {
			case in&(typeBad|relationBad) != 0, in&callBad != 0 && called,
				in&fieldBad != 0 && prev == tokDot && !called:
				return true
			}
		}
		prev = k
	}
}
