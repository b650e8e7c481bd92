package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The table does not promise what no tool does. For each tool that make builds: what is Done is read somewhere in its
// sources, what it reads says so in Tools, and nothing is Planned for a tool that is there. There are no exceptions; a
// parameter of which one value only is taken has nothing to be read.
func TestDoneIsDone(t *testing.T) {
	for _, path := range append(shipped(t), "contrib/pgpool") {
		name := filepath.Base(path)
		tool := toolNamed(t, name)
		uses := readSources(t, path)
		for _, p := range Params() {
			switch used := uses.all[p.Name]; {
			case p.Tools&tool == 0 && uses.own[p.Name]:
				t.Errorf("%s reads %s, and is not among its Tools", name, p.Name)
			case p.Tools&tool == 0:
			case p.State == Planned:
				t.Errorf("%s is Planned, but %s is there: make it Done, or Ignored with what happens instead", p.Name, name)
			case p.State == Done && !used && !p.onlyOne():
				t.Errorf("%s is Done by %s, which never reads it", p.Name, name)
			case p.State == Ignored && uses.own[p.Name]:
				t.Errorf("%s is Ignored, but %s reads it", p.Name, name)
			case p.State == Done && p.Context == OnSession && tool == Router && !uses.session[p.Name]:
				t.Errorf("%s may be set for a session, but %s never asks a session for it", p.Name, name)
			}
		}
		t.Logf("%s reads %d parameters", name, len(uses.all))
	}
}

// onlyOne tells whether p takes a single value.
func (p *Param) onlyOne() bool { return p.Kind == Enum && len(p.Values) == len(p.Missing)+1 }

// shipped are the tools that the Makefile builds.
func shipped(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":="); ok && strings.TrimSpace(name) == "tools" {
			return strings.Fields(value)
		}
	}
	t.Fatal("the Makefile does not say which tools there are")
	return nil
}

func toolNamed(t *testing.T, name string) Tool {
	t.Helper()
	for tool := Router; tool <= Pgpool; tool <<= 1 {
		if slices.Contains(tool.Names(), name) {
			return tool
		}
	}
	t.Fatalf("the Makefile builds %s, which no parameter can name", name)
	return 0
}

// uses are the parameters that are read by a tool.
type uses struct {
	own     map[string]bool // by its own packages, by name
	all     map[string]bool // by these, by what they call of Config, and by the packages of common that they import
	session map[string]bool // of what a session may have set for itself
}

// readSources finds what a tool reads.
func readSources(t *testing.T, tool string) uses {
	t.Helper()
	u := uses{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	methods := methodReads(t)
	seen := map[string]bool{}
	var visit func(dir string, into map[string]bool)
	visit = func(dir string, names map[string]bool) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		pkg := parsePackage(t, dir)
		pkg.reads(names, u.session)
		pkg.calls(methods, u.all)
		for _, path := range pkg.imports() {
			if rest, ok := strings.CutPrefix(path, "github.com/pgcrew/pgcrew/common/"); ok && rest != "config" {
				visit(filepath.Join("..", rest), u.all)
			}
		}
	}
	err := filepath.WalkDir(filepath.Join("..", "..", tool), func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case d.Name() == "testdata" || d.Name() == "oracle": // a module of its own
			return filepath.SkipDir
		}
		visit(path, u.own)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(u.all, u.own)
	return u
}

// methodReads maps an exported method of Config, such as Backends, to what it reads: who calls it reads that.
func methodReads(t *testing.T) map[string][]string {
	methods := map[string][]string{}
	for _, f := range parsePackage(t, ".").functions {
		if f.Recv == nil || !f.Name.IsExported() {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if name, ok := literal(getterArgument(n)); ok {
				methods[f.Name.Name] = append(methods[f.Name.Name], name)
			}
			return true
		})
	}
	return methods
}

// A source is a package without its tests.
type source struct {
	files     []*ast.File
	functions []*ast.FuncDecl
}

func parsePackage(t *testing.T, dir string) *source {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			continue // the compiler complains
		}
		s.files = append(s.files, file)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				s.functions = append(s.functions, f)
			}
		}
	}
	return s
}

func (s *source) imports() (paths []string) {
	for _, f := range s.files {
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			paths = append(paths, path)
		}
	}
	return paths
}

// reads finds c.Int("port"), and loops over a list or map of names whose variable goes to a getter.
func (s *source) reads(names, session map[string]bool) {
	for _, file := range s.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := literal(getterArgument(n)); ok {
				names[name] = true
				session[name] = session[name] || asksSession(n)
			}
			if loop, ok := n.(*ast.RangeStmt); ok {
				for _, name := range s.loopReads(loop) {
					names[name] = true
				}
			}
			return true
		})
	}
}

// calls finds the methods of Config that are called.
func (s *source) calls(methods map[string][]string, names map[string]bool) {
	for _, file := range s.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
					for _, name := range methods[sel.Sel.Name] {
						names[name] = true
					}
				}
			}
			return true
		})
	}
}

// getterArgument returns the first argument of a call of a getter, or nil.
func getterArgument(n ast.Node) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || otherPackage(sel.X) || returns[strings.TrimSuffix(sel.Sel.Name, "At")] == nil {
		return nil
	}
	return call.Args[0]
}

// asksSession tells whether a getter is called of the engine of a session, where PGPOOL SET leaves its values.
func asksSession(call ast.Node) bool {
	of, ok := call.(*ast.CallExpr).Fun.(*ast.SelectorExpr).X.(*ast.SelectorExpr)
	return ok && of.Sel.Name == "engine"
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil && byName[text] != nil
}

// loopReads returns the names in for name := range map[string]...{"port": ...} or for _, name := range []string{"port"}
// when the body gives name to a getter, or to a function of the package that does.
func (s *source) loopReads(loop *ast.RangeStmt) (names []string) {
	list, ok := loop.X.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	variable := loop.Value
	if _, ok := list.Type.(*ast.MapType); ok {
		variable = loop.Key
	}
	id, ok := variable.(*ast.Ident)
	if !ok || !s.givesToGetter(loop.Body, id.Name) {
		return nil
	}
	for _, e := range list.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			e = pair.Key
		}
		if name, ok := literal(e); ok {
			names = append(names, name)
		}
	}
	return names
}

// givesToGetter tells whether a piece of code passes a variable to a getter, itself or by one function of the package.
func (s *source) givesToGetter(code ast.Node, variable string) (found bool) {
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == variable
	}
	ast.Inspect(code, func(n ast.Node) bool {
		if is(getterArgument(n)) {
			found = true
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || found {
			return !found
		}
		callee, ok := call.Fun.(*ast.Ident)
		at := slices.IndexFunc(call.Args, is)
		if !ok || at < 0 {
			return true
		}
		for _, f := range s.functions {
			if f.Name.Name == callee.Name && f.Recv == nil {
				found = found || passes(f, at)
			}
		}
		return true
	})
	return found
}

// passes tells whether a function gives its parameter at that place to a getter.
func passes(f *ast.FuncDecl, at int) (found bool) {
	var names []string
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		id, ok := getterArgument(n).(*ast.Ident)
		found = found || ok && at < len(names) && id.Name == names[at]
		return true
	})
	return found
}
