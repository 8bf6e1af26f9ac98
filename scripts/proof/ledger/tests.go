package ledger

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// suites are folders whose functions with a *testing.T are tests that other packages run.
var suites = []string{"internal/store/storetest"}

// claims is what the tests say of themselves.
type claims struct {
	proofs   map[string][]Proof
	homeless []string // ids in functions or tables that no test uses
}

// A declaration is a function or table of a test file.
type declaration struct {
	file, name string
	test       bool
	ids        map[string]bool
	uses       map[string]bool // names of other declarations
}

// method begins the names of methods: whoever calls one by its name uses all that have it.
const method = "."

// readTests reads every test file below root.
func readTests(root string, prefixes map[string]bool) (claims, error) {
	folders := map[string][]declaration{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && foreign(name, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file := filepath.ToSlash(relative)
		folder := path.Dir(file)
		if strings.HasPrefix(file, path.Dir(Lists)+"/") || !strings.HasSuffix(file, "_test.go") && !slices.Contains(suites, folder) {
			return nil
		}
		found, err := readFile(name, file, prefixes)
		folders[folder] = append(folders[folder], found...)
		return err
	})
	if err != nil {
		return claims{}, err
	}
	result := claims{proofs: map[string][]Proof{}}
	for _, declarations := range folders {
		result.add(declarations)
	}
	for id := range result.proofs {
		slices.SortFunc(result.proofs[id], compareProofs)
		result.proofs[id] = slices.Compact(result.proofs[id])
	}
	return result, nil
}

// foreign reports whether the go command would leave the folder out of the module.
func foreign(name, base string) bool {
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	return err == nil
}

// readFile returns the declarations of one file. File is its name in the repository.
func readFile(name, file string, prefixes map[string]bool) ([]declaration, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	suite := slices.Contains(suites, path.Dir(file))
	var all []declaration
	for _, d := range parsed.Decls {
		one := declaration{file: file, ids: map[string]bool{}, uses: map[string]bool{}}
		begin := d.Pos()
		switch d := d.(type) {
		case *ast.FuncDecl:
			one.name = d.Name.Name
			if d.Recv != nil {
				one.name = method + one.name
			}
			one.test = d.Recv == nil && isTest(d, suite)
			if d.Doc != nil {
				begin = d.Doc.Pos()
			}
			if one.test {
				one.claim(idsOfName(d.Name.Name), prefixes)
			}
		case *ast.GenDecl:
			one.name = declared(d)
			if d.Doc != nil {
				begin = d.Doc.Pos()
			}
		}
		one.read(d, prefixes)
		for _, comment := range parsed.Comments {
			if comment.Pos() >= begin && comment.End() <= d.End() {
				one.claimAll(idsOfComment(comment.Text()))
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// declared returns the name of the first value that the declaration makes.
func declared(d *ast.GenDecl) string {
	for _, spec := range d.Specs {
		if value, ok := spec.(*ast.ValueSpec); ok {
			return value.Names[0].Name
		}
	}
	return ""
}

// isTest reports whether go test runs the function, or a suite does.
func isTest(d *ast.FuncDecl, suite bool) bool {
	if strings.HasPrefix(d.Name.Name, "Test") || strings.HasPrefix(d.Name.Name, "Fuzz") {
		return true
	}
	if !suite || len(d.Type.Params.List) == 0 {
		return false
	}
	star, ok := d.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	selector, ok := star.X.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "T"
}

// read takes the ids of all strings in the declaration, and the names that it uses.
func (d *declaration) read(node ast.Node, prefixes map[string]bool) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				d.claim(idsOfText(n.Value), prefixes)
			}
		case *ast.SelectorExpr:
			d.uses[method+n.Sel.Name] = true
			d.read(n.X, prefixes)
			return false
		case *ast.Ident:
			d.uses[n.Name] = true
		}
		return true
	})
}

// claim adds the ids that begin as those of the lists do: other text looks like ids, UTF-16 for one.
func (d *declaration) claim(ids []string, prefixes map[string]bool) {
	for _, id := range ids {
		prefix, _, _ := strings.Cut(id, "-")
		if prefixes[prefix] {
			d.ids[id] = true
		}
	}
}

func (d *declaration) claimAll(ids []string) {
	for _, id := range ids {
		d.ids[id] = true
	}
}

// add gives each id to the test that holds it or that uses, directly or through others, what holds it.
func (c *claims) add(declarations []declaration) {
	holders := map[string][]declaration{}
	for _, d := range declarations {
		if !d.test {
			holders[d.name] = append(holders[d.name], d)
		}
	}
	reached := map[string]bool{}
	for _, d := range declarations {
		if !d.test {
			continue
		}
		ids := map[string]bool{}
		collect(d, holders, ids, map[string]bool{}, reached)
		for id := range ids {
			c.proofs[id] = append(c.proofs[id], Proof{File: d.file, Test: d.name})
		}
	}
	for name, all := range holders {
		for _, d := range all {
			if len(d.ids) != 0 && !reached[name] {
				c.homeless = append(c.homeless, fmt.Sprintf("%s in %s names ids, and no test of its folder uses it by that name", name, d.file))
			}
		}
	}
}

// collect adds the ids of the declaration and of all that it uses.
func collect(d declaration, holders map[string][]declaration, ids, seen, reached map[string]bool) {
	for id := range d.ids {
		ids[id] = true
	}
	for name := range d.uses {
		if seen[name] {
			continue
		}
		seen[name] = true
		reached[name] = true
		for _, next := range holders[name] {
			collect(next, holders, ids, seen, reached)
		}
	}
}

var (
	idInText    = regexp.MustCompile(`\b[A-Z]+-[0-9]+\b`)
	idInName    = regexp.MustCompile(`(?:^|[a-z0-9])([A-Z]+)([0-9]{2})(?:[^0-9]|$)`)
	afterProves = regexp.MustCompile(`\bProves ((?:[A-Z]+-[0-9]+(?:,? and |,? |\.|$)+)+)`)
)

// idsOfText returns the words that are ids.
func idsOfText(text string) (ids []string) {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\"`(),.:;", r) })
	for _, word := range words {
		if idInText.FindString(word) == word {
			ids = append(ids, word)
		}
	}
	return ids
}

// idsOfName returns the ids that end words of a test's name: TestFinalizeO18.
func idsOfName(name string) (ids []string) {
	for _, m := range idInName.FindAllStringSubmatch(name, -1) {
		ids = append(ids, m[1]+"-"+m[2])
	}
	return ids
}

// idsOfComment returns the ids that follow "Proves".
func idsOfComment(text string) (ids []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, m := range afterProves.FindAllString(text, -1) {
		ids = append(ids, idInText.FindAllString(m, -1)...)
	}
	return ids
}
