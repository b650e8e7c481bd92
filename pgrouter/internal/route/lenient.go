package route

// Lenient makes a catalog in which every name is known and harmless but the given ones: functions that can be called
// with one argument, types, relations. With it the classifier's reading of the grammar can be compared with a real
// parser's, without a database.
func Lenient(functions, types, relations []string) *Catalog {
	c := newCatalog()
	c.utf8, c.lenient = true, true
	addKeywords(&c.names)
	for list, f := range map[*[]string]info{&functions: isFunction | callBad | fieldBad, &types: isType | typeBad, &relations: isRelation | relationBad} {
		for _, name := range *list {
			if in := c.names.entry(name); in != nil {
				in.bad(f, ReasonFunction)
			}
		}
	}
	return c
}
