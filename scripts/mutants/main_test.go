package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repository writes files and returns their root.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestFind has each form of a refusal, and what it becomes. ID stands for the refusal's id.
func TestFind(t *testing.T) {
	for name, test := range map[string]struct{ code, want string }{
		"a condition":         {`func f(a int) error { if a > 1 { return errors.New("large") }; return nil }`, `if (a > 1) && refusalswitch.On("ID")`},
		"with a statement":    {`func f() error { if v, ok := g(); !ok { use(v); return fault.New(k, "no") }; return nil }`, `(!ok) && refusalswitch.On("ID")`},
		"another condition":   {`func f(a int) error { if a > 1 { g() } else if a < 0 { return errors.New("small") }; return nil }`, `else if (a < 0) && refusalswitch.On("ID")`},
		"a case":              {`func f(a int) error { switch { case a > 1, a < 0: return errors.New("odd") }; return nil }`, `case (a > 1) && refusalswitch.On("ID"), (a < 0) && refusalswitch.On("ID"):`},
		"all other cases":     {`func f(a int) error { switch { case a > 1: return nil; default: return errors.New("odd") } }`, `return refusalswitch.Err("ID", errors.New("odd"))`},
		"a case of a value":   {`func f(a int) error { switch a { case 1: return nil; case 2: return errors.New("two") }; return nil }`, `return refusalswitch.Err("ID", errors.New("two"))`},
		"the end":             {`func f(a []int) (int, error) { for _, v := range a { return v, nil }; return 0, errors.New("none") }`, `return 0, refusalswitch.Err("ID", errors.New("none"))`},
		"an assignment":       {`func f() (err error) { if n() == 0 { err = errors.New("none") }; return err }`, `if (n() == 0) && refusalswitch.On("ID")`},
		"a maker":             {`func f(a int) error { if a > 1 { return bad("large") }; return nil }; func bad(why string) error { return errors.New(why) }`, `if (a > 1) && refusalswitch.On("ID") { return bad("large") }`},
		"an own type":         {`type no struct{}; func (*no) Error() string { return "" }; func f(a int) error { if a > 1 { return &no{} }; return nil }`, `if (a > 1) && refusalswitch.On("ID")`},
		"a sentinel":          {`func f(a int) error { if a > 1 { return errLarge }; return nil }`, `if (a > 1) && refusalswitch.On("ID")`},
		"what is passed on":   {`func f() error { if err := g(); err != nil { return fmt.Errorf("g: %w", err) }; return nil }`, ""},
		"a wrapped name":      {`func f(a int) error { if a > 1 { return fmt.Errorf("%w: large", errBad) }; return nil }`, `if (a > 1) && refusalswitch.On("ID")`},
		"a finding":           {`func (r *report) f(a int) { r.check(a > 1, "rule", "text") }`, `r.check((a > 1) || refusalswitch.Off("ID"), "rule", "text")`},
		"a reason":            {`func f(a int) error { if why := say(a); why != "" { return g(why) }; return nil }; func say(a int) string { if a > 1 { return "large" }; return "" }`, `if (a > 1) && refusalswitch.On("ID") { return "large" }`},
		"a text that is none": {`func say(a int) string { if a > 1 { return "large" }; return "" }`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := repository(t, map[string]string{"a/a.go": "package a\n" + test.code + "\n"})
			found, err := find(root, []string{"a"})
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if len(found) != 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("found %d refusals: %v", len(found), found)
			}
			got := withSwitches(test.code, shifted(found[0].edits, len("package a\n")))
			if want := strings.ReplaceAll(test.want, "ID", found[0].id()); !strings.Contains(got, want) {
				t.Errorf("became\n%s\nwithout\n%s", got, want)
			}
		})
	}
}

func shifted(edits []edit, by int) (all []edit) {
	for _, e := range edits {
		all = append(all, edit{e.offset - by, e.text})
	}
	return all
}

// project is a product with three refusals. The tests notice the first, reach the second and nothing of the third.
var project = map[string]string{
	"go.mod": "module github.com/everleaf-pki/everleaf\n\ngo 1.26\n",
	"internal/issue/issue.go": `package issue

import "errors"

func Check(a int) error {
	if a > 100 {
		return errors.New("this is too large")
	}
	if a < 0 {
		return errors.New("this is too small")
	}
	if a == 50 {
		return errors.New("this is just so")
	}
	return nil
}
`,
	"internal/issue/issue_test.go": `package issue

import "testing"

func TestLarge(t *testing.T) {
	if Check(101) == nil {
		t.Error("101 is accepted")
	}
}

func TestSmall(t *testing.T) { _ = Check(-1) }
`,
	"docs/x": "",
}

func TestRun(t *testing.T) {
	root := repository(t, project)
	again := func(want ...string) string {
		t.Helper()
		var out strings.Builder
		err := run(t.Context(), options{root: root, workers: 2}, &out)
		for _, line := range want {
			if !strings.Contains(out.String(), line+"\n") {
				t.Errorf("no line %q in\n%s", line, out.String())
			}
		}
		text, readErr := os.ReadFile(filepath.Join(root, table))
		if (err != nil) != (want[len(want)-1] != "3 refusals, 0 to look at") || readErr != nil {
			t.Errorf("%v, %v after\n%s", err, readErr, out.String())
		}
		return string(text)
	}
	text := again(
		"1 packages of tests; learning what 2 tests reach",
		"unnoticed: internal/issue/issue.go Check: this is too small (no test that reaches it notices)",
		"unnoticed: internal/issue/issue.go Check: this is just so (no test reaches it)",
		"3 refusals, 2 to look at",
	)
	const want = `3 refusals: 1 noticed, 0 excused, **2 unnoticed**.

## internal/issue

| where | what it says | noticed by |
|---|---|---|
| issue.go ` + "`Check`" + ` | this is just so | **nobody**: no test reaches it |
| issue.go ` + "`Check`" + ` | this is too large | TestLarge |
| issue.go ` + "`Check`" + ` | this is too small | **nobody**: no test that reaches it notices |
`
	if _, rest, _ := strings.Cut(text, "stands here with a reason.\n\n"); rest != want {
		t.Errorf("table (-want +got):\n%s", cmp.Diff(want, rest))
	}

	excuses := "# why\ninternal/issue/issue.go Check: this is just so | it is just so\ninternal/issue/issue.go Check: this is too large | a lie\n"
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(excuse)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, excuse), []byte(excuses), 0o600); err != nil {
		t.Fatal(err)
	}
	again(
		"1 packages of tests; learning what 0 tests reach",
		"noticed by TestLarge, so remove it from "+excuse+": internal/issue/issue.go Check: this is too large",
		"3 refusals, 2 to look at",
	)
	if err := os.WriteFile(filepath.Join(root, excuse), []byte("internal/issue/issue.go Check: gone | why\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), options{root: root}, nil); err == nil || !strings.Contains(err.Error(), "excuses what no code refuses") {
		t.Error(err)
	}
}
