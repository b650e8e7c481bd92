package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// returns lists the kinds that each getter returns.
var returns = map[string][]Kind{
	"Bool": {Bool}, "Int": {Int, Octal}, "Float": {Float}, "String": {Text}, "Enum": {Enum}, "Duration": {Duration}, "Bytes": {Bytes},
	"List": {List, Patterns, Redirects, Flags}, "Redirects": {Redirects},
}

// Every name that any tool gives to a getter is in the table and of the right kind, so that no tool
// panics at run time. It reads the sources of the whole repository.
func TestNamesInUse(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || filepath.Dir(path) == "." {
			if d != nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
				return fs.SkipDir
			}
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil || !importsConfig(file) {
			return nil // the compiler complains about the first
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			lit, isText := call.Args[0].(*ast.BasicLit)
			if !ok || !isText || lit.Kind != token.STRING || otherPackage(sel.X) {
				return true
			}
			getter, perNode := strings.CutSuffix(sel.Sel.Name, "At")
			kinds := returns[getter]
			if kinds == nil && getter != "IsSet" {
				return true
			}
			seen++
			name, _ := strconv.Unquote(lit.Value)
			p := byName[name]
			if p == nil || p.Name != name || kinds != nil && !slices.Contains(kinds, p.Kind) || perNode != (p.Suffix == NeedsSuffix) && p.Suffix != OptionalSuffix {
				t.Errorf("%s: %s(%q) would panic", files.Position(call.Pos()), sel.Sel.Name, name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls", seen)
}

func importsConfig(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool {
		return strings.HasSuffix(strings.Trim(i.Path.Value, `"`), "/common/config")
	})
}

// otherPackage says whether the receiver is a package with functions of the same names.
func otherPackage(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && slices.Contains([]string{"flag", "slog", "zap", "sql"}, id.Name)
}
