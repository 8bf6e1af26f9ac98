package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A refusal is a place where the code says no.
type refusal struct {
	file, function string // file in the repository
	text           string // what it says
	nth            int    // which of several that say the same in one function
	edits          []edit // what switches it off
}

// An edit puts text into a file, at an offset.
type edit struct {
	offset int
	text   string
}

// name returns how excuses and people call the refusal: it does not change when lines move.
func (r refusal) name() string {
	name := fmt.Sprintf("%s %s: %s", r.file, r.function, r.text)
	if r.nth > 0 {
		name += fmt.Sprintf(" (%d)", r.nth+1)
	}
	return name
}

// id returns how the instrumented code calls the refusal.
func (r refusal) id() string {
	sum := sha256.Sum256([]byte(r.name()))
	return hex.EncodeToString(sum[:6])
}

// A source is one parsed package.
type source struct {
	folder string
	files  []sourceFile
	set    *token.FileSet
	makers map[string]bool // functions that only make an error, and are refusals where they are called
	whys   map[string]bool // functions whose text, if any, is why something is refused
	errors map[string]bool // types that are errors
}

type sourceFile struct {
	name   string // in the repository
	text   []byte
	parsed *ast.File
}

// find returns the refusals of the packages that the patterns name.
func find(root string, patterns []string) ([]refusal, error) {
	var all []refusal
	makers := map[string]bool{}
	var sources []*source
	for _, folder := range folders(root, patterns) {
		s, err := parse(root, folder)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
		for name := range s.makers {
			makers[path.Base(folder)+"."+name] = true
		}
	}
	for _, s := range sources {
		all = append(all, s.refusals(makers)...)
	}
	slices.SortFunc(all, func(a, b refusal) int { return cmp.Compare(a.name(), b.name()) })
	return all, nil
}

// folders expands the patterns; "/..." adds the folders below.
func folders(root string, patterns []string) (found []string) {
	for _, pattern := range patterns {
		base, below := strings.CutSuffix(pattern, "/...")
		_ = filepath.WalkDir(filepath.Join(root, base), func(name string, entry os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case !entry.IsDir():
				return nil
			case entry.Name() == "testdata":
				return filepath.SkipDir
			}
			if code, _ := filepath.Glob(filepath.Join(name, "*.go")); len(code) != 0 {
				relative, _ := filepath.Rel(root, name)
				found = append(found, filepath.ToSlash(relative))
			}
			if !below {
				return filepath.SkipDir
			}
			return nil
		})
	}
	return found
}

func parse(root, folder string) (*source, error) {
	s := &source{folder: folder, set: token.NewFileSet(), makers: map[string]bool{}, whys: map[string]bool{}, errors: map[string]bool{"fault.Error": true}}
	names, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(s.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, sourceFile{path.Join(folder, filepath.Base(name)), text, parsed})
	}
	s.study()
	return s, nil
}

// functions calls fn for every function with a body.
func (s *source) functions(fn func(sourceFile, *ast.FuncDecl)) {
	for _, file := range s.files {
		for _, d := range file.parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				fn(file, f)
			}
		}
	}
}

// study learns which functions make errors and which say why.
func (s *source) study() {
	s.functions(func(_ sourceFile, f *ast.FuncDecl) {
		if f.Name.Name == "Error" && f.Recv != nil {
			s.errors[strings.TrimPrefix(typeName(f.Recv.List[0].Type), "*")] = true
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if name := askedWhy(n); name != "" {
				s.whys[name] = true
			}
			return true
		})
	})
	for grown := true; grown; {
		grown = false
		s.functions(func(_ sourceFile, f *ast.FuncDecl) {
			if !s.makers[f.Name.Name] && s.onlyMakes(f) {
				s.makers[f.Name.Name], grown = true, true
			}
			if s.whys[f.Name.Name] {
				for _, result := range returned(f) {
					if name := calledName(result); name != "" && !s.whys[name] && s.saysWhy(name) {
						s.whys[name], grown = true, true
					}
				}
			}
		})
	}
}

// saysWhy reports whether the package has a function of the name with one text as its result.
func (s *source) saysWhy(name string) (found bool) {
	s.functions(func(_ sourceFile, f *ast.FuncDecl) {
		results := f.Type.Results
		found = found || f.Name.Name == name && results != nil && len(results.List) == 1 && typeName(results.List[0].Type) == "string"
	})
	return found
}

// askedWhy returns the function of `if reason := f(...); reason != ""`.
func askedWhy(n ast.Node) string {
	statement, ok := n.(*ast.IfStmt)
	if !ok {
		return ""
	}
	init, ok := statement.Init.(*ast.AssignStmt)
	if !ok || len(init.Rhs) != 1 {
		return ""
	}
	cond, ok := statement.Cond.(*ast.BinaryExpr)
	if !ok || cond.Op != token.NEQ {
		return ""
	}
	if literal, ok := cond.Y.(*ast.BasicLit); !ok || literal.Value != `""` {
		return ""
	}
	return calledName(init.Rhs[0])
}

// onlyMakes reports whether every way through the function ends in an error that it makes.
func (s *source) onlyMakes(f *ast.FuncDecl) bool {
	results := f.Type.Results
	if results == nil || len(results.List) != 1 {
		return false
	}
	made := map[string]bool{}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && len(a.Lhs) == 1 && len(a.Rhs) == 1 && s.makes(a.Rhs[0], nil) {
			if id, ok := a.Lhs[0].(*ast.Ident); ok {
				made[id.Name] = true
			}
		}
		return true
	})
	all := returned(f)
	for _, result := range all {
		id, ok := result.(*ast.Ident)
		if !(ok && made[id.Name] || s.makes(result, nil)) {
			return false
		}
	}
	return len(all) > 0
}

// returned returns the last result of each return of the function itself.
func returned(f *ast.FuncDecl) (all []ast.Expr) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) > 0 {
				all = append(all, n.Results[len(n.Results)-1])
			}
		}
		return true
	})
	return all
}

// makes reports whether the expression makes an error. Foreign has makers of other packages.
func (s *source) makes(e ast.Expr, foreign map[string]bool) bool {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		literal, ok := e.X.(*ast.CompositeLit)
		return ok && e.Op == token.AND && literal.Type != nil && s.errors[typeName(literal.Type)]
	case *ast.CallExpr:
		switch name := qualified(e.Fun); name {
		case "fault.New", "fault.Wrap", "errors.New":
			return true
		case "fmt.Errorf":
			return decides(e)
		default:
			return foreign[name] || s.makers[calledName(e)] && !strings.Contains(name, "fault.")
		}
	case *ast.Ident:
		return len(e.Name) > 3 && (strings.HasPrefix(e.Name, "err") || strings.HasPrefix(e.Name, "Err")) && e.Name[3] >= 'A' && e.Name[3] <= 'Z'
	}
	return false
}

// decides reports whether fmt.Errorf makes an error of its own, and does not pass another on.
func decides(call *ast.CallExpr) bool {
	return !slices.ContainsFunc(call.Args[1:], func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == "err"
	})
}

// qualified returns the called function as pkg.Name or Name.
func qualified(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			return id.Name + "." + e.Sel.Name
		}
		return "." + e.Sel.Name
	}
	return ""
}

// calledName returns the last word of what an expression calls.
func calledName(e ast.Expr) string {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return ""
	}
	name := qualified(call.Fun)
	return name[strings.LastIndex(name, ".")+1:]
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + typeName(e.X)
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	}
	return ""
}

// said returns the longest text in an expression, or its source where there is none that tells it from others.
func said(e ast.Node, source string) string {
	const telling = 15
	var text string
	ast.Inspect(e, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING && len(literal.Value) > len(text)+2 {
			text, _ = strconv.Unquote(literal.Value)
		}
		return true
	})
	if _, alone := e.(*ast.BasicLit); !alone && len(text) < telling {
		text = source
	}
	return strings.Join(strings.Fields(text), " ")
}
