package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// helper is the package of the instrumented code. It exists in the overlay only.
const (
	helperPath   = "internal/refusalswitch"
	helperImport = "github.com/everleaf-pki/everleaf/" + helperPath
	helperSource = `package refusalswitch

import (
	"os"
	"sync"
)

var (
	off     = os.Getenv("REFUSAL_OFF")
	reached = open(os.Getenv("REFUSALS_REACHED"))
	seen    sync.Map
)

// open opens the file at the start: some tests give their rights away.
func open(name string) *os.File {
	if name == "" {
		return nil
	}
	f, _ := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	return f
}

// On reports whether the refusal is on, and tells that it was reached.
func On(id string) bool {
	if reached != nil {
		if _, known := seen.LoadOrStore(id, true); !known {
			reached.WriteString(id + "\n")
		}
	}
	return id != off
}

func Off(id string) bool { return !On(id) }

func Err(id string, err error) error {
	if On(id) {
		return err
	}
	return nil
}

func Text(id string, text string) string {
	if On(id) {
		return text
	}
	return ""
}
`
)

// refusals returns what the package refuses.
func (s *source) refusals(makers map[string]bool) (all []refusal) {
	count := map[string]int{}
	s.functions(func(file sourceFile, f *ast.FuncDecl) {
		if s.makers[f.Name.Name] {
			return
		}
		w := walker{source: s, file: file, function: functionName(f), makers: makers, why: s.whys[f.Name.Name]}
		w.walk(f.Body)
		for _, r := range w.found {
			same := r.name()
			r.nth = count[same]
			count[same]++
			for i := range r.edits {
				r.edits[i].text = strings.ReplaceAll(r.edits[i].text, "ID", r.id())
			}
			all = append(all, r)
		}
	})
	return all
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return strings.TrimPrefix(typeName(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

// A walker goes through one function and remembers what it is inside of.
type walker struct {
	source   *source
	file     sourceFile
	function string
	makers   map[string]bool
	why      bool
	stack    []ast.Node
	found    []refusal
}

func (w *walker) walk(body ast.Node) {
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			w.stack = w.stack[:len(w.stack)-1]
			return true
		}
		if w.take(n) {
			return false // and nothing inside of it: the outermost maker is the refusal
		}
		w.stack = append(w.stack, n)
		return true
	})
}

// take adds the refusal that begins at the node, if one does.
func (w *walker) take(n ast.Node) bool {
	if call, ok := n.(*ast.CallExpr); ok {
		if at := condition(call); at >= 0 {
			w.add(call, w.wrap(call.Args[at], "(", `) || refusalswitch.Off("ID")`))
			return true
		}
		if qualified(call.Fun) == "append" && len(call.Args) == 2 && strings.HasPrefix(w.text(call.Args[1]), "fault.Sub{") {
			if edits := w.guard(); edits != nil {
				w.add(call, edits)
				return true
			}
		}
	}
	e, ok := n.(ast.Expr)
	if !ok || len(w.stack) == 0 {
		return false
	}
	if w.why && w.isReturned(e) && !slices.ContainsFunc(w.stack, isClosure) && w.text(e) != `""` && !w.source.whys[calledName(e)] {
		w.addGuarded(e, "refusalswitch.Text")
		return true
	}
	if _, sentinel := e.(*ast.Ident); sentinel && !w.isReturned(e) || !w.source.makes(e, w.makers) {
		return false
	}
	w.addGuarded(e, "refusalswitch.Err")
	return true
}

// condition returns which argument of a call says whether all is well; -1 when none does.
func condition(call *ast.CallExpr) int {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return -1
	}
	first, named := call.Args[0].(*ast.Ident)
	switch {
	case named && first.Name == "ctx":
		return -1 // another method of the name
	case (selector.Sel.Name == "check" || selector.Sel.Name == "expect") && len(call.Args) >= 2:
		return 0
	case selector.Sel.Name == "checkFor" && len(call.Args) == 4:
		return 1
	default:
		return -1
	}
}

func isClosure(n ast.Node) bool { _, ok := n.(*ast.FuncLit); return ok }

func (w *walker) isReturned(e ast.Expr) bool {
	statement, ok := w.stack[len(w.stack)-1].(*ast.ReturnStmt)
	return ok && statement.Results[len(statement.Results)-1] == e
}

// addGuarded switches the refusal off by the condition that leads to it, else by taking away its value.
func (w *walker) addGuarded(e ast.Expr, function string) {
	if edits := w.guard(); edits != nil {
		w.add(e, edits)
		return
	}
	if assign, ok := w.stack[len(w.stack)-1].(*ast.AssignStmt); ok && assign.Tok.String() == ":=" {
		return // of a type of its own; what is done with it decides
	}
	w.add(e, w.wrap(e, function+`("ID", `, ")"))
}

func (w *walker) add(n ast.Node, edits []edit) {
	w.found = append(w.found, refusal{file: w.file.name, function: w.function, text: said(n, w.text(n)), edits: edits})
}

// guard returns the edits of the innermost condition around, nil when there is none that can be edited.
func (w *walker) guard() []edit {
	for i := len(w.stack) - 1; i > 0; i-- {
		switch n := w.stack[i].(type) {
		case *ast.FuncLit:
			return nil
		case *ast.CaseClause:
			return w.guardCase(n, w.stack[:i])
		case *ast.CommClause:
			return nil
		case *ast.BlockStmt:
			if statement, ok := w.stack[i-1].(*ast.IfStmt); ok {
				if statement.Body != n {
					return nil
				}
				return w.wrap(statement.Cond, "(", `) && refusalswitch.On("ID")`)
			}
		}
	}
	return nil
}

// guardCase edits the conditions of a case, if they are conditions.
func (w *walker) guardCase(clause *ast.CaseClause, around []ast.Node) (edits []edit) {
	statement, ok := around[len(around)-2].(*ast.SwitchStmt)
	if !ok || statement.Tag != nil {
		return nil
	}
	for _, e := range clause.List {
		edits = append(edits, w.wrap(e, "(", `) && refusalswitch.On("ID")`)...)
	}
	return edits
}

func (w *walker) offset(n ast.Node) (from, to int) {
	file := w.source.set.File(n.Pos())
	return file.Offset(n.Pos()), file.Offset(n.End())
}

func (w *walker) text(n ast.Node) string {
	from, to := w.offset(n)
	return string(w.file.text[from:to])
}

func (w *walker) wrap(n ast.Node, before, after string) []edit {
	from, to := w.offset(n)
	return []edit{{from, before}, {to, after}}
}

// instrument writes copies of the files of the refusals to folder and returns the overlay that puts them in place.
func instrument(root, folder string, refusals []refusal) (string, error) {
	edits := map[string][]edit{}
	for _, r := range refusals {
		edits[r.file] = append(edits[r.file], r.edits...)
	}
	replace := map[string]string{}
	write := func(name, text string) error {
		copied := filepath.Join(folder, "code", filepath.FromSlash(name))
		replace[filepath.Join(root, filepath.FromSlash(name))] = copied
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			return err
		}
		if have, err := os.ReadFile(copied); err == nil && string(have) == text {
			return nil
		}
		return os.WriteFile(copied, []byte(text), 0o644)
	}
	for name, list := range edits {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		if err := write(name, withSwitches(string(text), list)); err != nil {
			return "", err
		}
	}
	if err := write(helperPath+"/refusalswitch.go", helperSource); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "overlay.json")
	return name, os.WriteFile(name, overlay, 0o644)
}

// withSwitches returns the text with the edits, and the import on the line of the package clause.
func withSwitches(text string, edits []edit) string {
	// At one offset what closes stands before what opens, and what is inside closes first: the edits of one expression
	// were made from the outside in.
	slices.SortStableFunc(edits, func(a, b edit) int { return a.offset - b.offset })
	var out strings.Builder
	last := 0
	for _, e := range edits {
		out.WriteString(text[last:e.offset] + e.text)
		last = e.offset
	}
	out.WriteString(text[last:])
	lines := strings.SplitAfter(out.String(), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "package ") {
			lines[i] = strings.TrimRight(line, "\n") + fmt.Sprintf("; import %q\n", helperImport)
			break
		}
	}
	return strings.Join(lines, "")
}
