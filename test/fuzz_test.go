package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// decoders are functions that take bytes apart. Whoever calls one is a parser, or hands its bytes to one.
var decoders = []string{
	"asn1.Unmarshal", "cryptobyte.String", "http.ReadRequest", "http.ReadResponse", "json.NewDecoder", "json.Unmarshal",
	"jsontext.NewDecoder", "ocsp.ParseRequest", "pem.Decode", "strictjson.Decode", "url.Parse", "x509.ParseCertificate", "x509.ParseCertificateRequest",
	"x509.ParseECPrivateKey", "x509.ParsePKCS1PrivateKey", "x509.ParsePKCS8PrivateKey", "x509.ParseRevocationList", "yaml.NewDecoder", "yaml.Unmarshal",
}

// unfuzzed are packages that take bytes apart and have no fuzz target, with the reason.
var unfuzzed = map[string]string{
	"internal/adminapi":     "its JSON is read by core/strictjson, which is fuzzed, on the socket of the operator",
	"internal/app":          "it reads certificates that the CA has just made, and settings that internal/config has read",
	"internal/ca":           "it reads what this CA has just signed, and intents and certificates from its own store",
	"internal/cli":          "it reads the arguments of its own command line",
	"internal/cli/render":   "it turns JSON that this program has just written into YAML",
	"internal/demo":         "it reads what the CA that it runs has just answered",
	"internal/door/admin":   "it shows certificates of the store",
	"internal/store/query":  "it reads rows that the store has written, from a folder that the threat model trusts",
	"internal/store/sqlite": "it reads rows that the store has written, from a folder that the threat model trusts",
}

// TestParsersAreFuzzed holds that a package that takes bytes apart has a fuzz target, or says here why it needs none.
func TestParsersAreFuzzed(t *testing.T) {
	calls, fuzzed := decoding(t, "..")
	if len(calls) < 10 || len(fuzzed) < 10 {
		t.Fatalf("%d packages with parsers, %d with fuzz targets: this test looks in the wrong place", len(calls), len(fuzzed))
	}
	for folder, called := range calls {
		switch reason := unfuzzed[folder]; {
		case fuzzed[folder] && reason != "":
			t.Errorf("%s has a fuzz target: remove it from unfuzzed", folder)
		case !fuzzed[folder] && reason == "":
			t.Errorf("%s calls %s and has no fuzz target: write one, or say in test/fuzz_test.go why it needs none", folder, called)
		}
	}
	for folder := range unfuzzed {
		if calls[folder] == "" {
			t.Errorf("%s takes no bytes apart: remove it from unfuzzed", folder)
		}
	}
}

// decoding returns for each folder of the product a decoder that it calls, and whether it has a fuzz target.
func decoding(t *testing.T, root string) (calls map[string]string, fuzzed map[string]bool) {
	t.Helper()
	calls, fuzzed = map[string]string{}, map[string]bool{}
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (foreign(path, entry.Name()) || entry.Name() == "storetest"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, filepath.Dir(path))
		folder := filepath.ToSlash(relative)
		if strings.HasSuffix(path, "_test.go") {
			fuzzed[folder] = fuzzed[folder] || hasFuzzTarget(parsed)
		} else if name := decoderIn(parsed); name != "" {
			calls[folder] = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls, fuzzed
}

func hasFuzzTarget(file *ast.File) bool {
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz")
	})
}

// decoderIn returns a decoder that the file calls, among them the methods of encoding/base64 and of DNS messages.
func decoderIn(file *ast.File) (found string) {
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := selector.X.(*ast.Ident); ok && slices.Contains(decoders, id.Name+"."+selector.Sel.Name) {
			found = id.Name + "." + selector.Sel.Name
		}
		if name := selector.Sel.Name; name == "DecodeString" || name == "Unpack" {
			found = name
		}
		return true
	})
	return found
}
