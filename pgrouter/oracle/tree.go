package oracle

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// Names that the tests take for dangerous: functions, types and relations.
var (
	functions = []string{"nextval", "bump"}
	types     = []string{"posint"}
	relations = []string{"v_tick", "quick"}
)

// danger says why a tree must not be balanced, or "".
func danger(tree *pg.RawStmt) string {
	var why string
	found := func(s string) {
		if why == "" {
			why = s
		}
	}
	visit(tree.ProtoReflect(), func(m protoreflect.Message) {
		switch n := m.Interface().(type) {
		case *pg.InsertStmt, *pg.UpdateStmt, *pg.DeleteStmt, *pg.MergeStmt:
			found("it writes: " + string(m.Descriptor().Name()))
		case *pg.IntoClause:
			found("INTO")
		case *pg.LockingClause:
			found("a row lock")
		case *pg.FuncCall:
			if in(functions, last(n.Funcname)) || in(types, last(n.Funcname)) {
				found("it calls " + last(n.Funcname))
			}
		case *pg.TypeName:
			if in(types, last(n.Names)) {
				found("it mentions the type " + last(n.Names))
			}
		case *pg.RangeVar:
			if in(relations, n.Relname) {
				found("it reads " + n.Relname)
			}
		case *pg.ColumnRef:
			if len(n.Fields) > 1 && in(functions, last(n.Fields)) {
				found("it may call ." + last(n.Fields))
			}
		case *pg.A_Indirection:
			for _, field := range n.Indirection {
				if in(functions, field.GetString_().GetSval()) {
					found("it may call ." + field.GetString_().GetSval())
				}
			}
		}
	})
	return why
}

// visit calls do for a message and all messages in it.
func visit(m protoreflect.Message, do func(protoreflect.Message)) {
	do(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() != protoreflect.MessageKind:
		case f.IsList():
			for i := range v.List().Len() {
				visit(v.List().Get(i).Message(), do)
			}
		default:
			visit(v.Message(), do)
		}
		return true
	})
}

// last is the last name of a qualified one.
func last(names []*pg.Node) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1].GetString_().GetSval()
}

func in(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}
