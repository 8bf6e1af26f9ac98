package ledger

import (
	"os"
	"path/filepath"
	"slices"
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

const rules = "# Rules\n\n| id | rule | proof |\n|---|---|---|\nA-01 | one\nA-02 | two\n\tnot: later\nINC-3 | three\n\tbut: half\n"

// proofsOf returns what tests with the given text prove.
func proofsOf(t *testing.T, file, text string) map[string][]Proof {
	t.Helper()
	root := repository(t, map[string]string{file: text})
	claims, err := readTests(root, map[string]bool{"A": true, "INC": true})
	if err != nil {
		t.Fatal(err)
	}
	return claims.proofs
}

func TestProofsAreFound(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"the name of a sub-test":      {`func TestX(t *testing.T) { t.Run("A-01 a name", nil) }`, "A-01 TestX"},
		"a row of a table":            {`func TestX(t *testing.T) { _ = []string{"A-01: a", "(A-02)"} }`, "A-01 TestX, A-02 TestX"},
		"a comment above":             {"// TestX is about it.\n// Proves A-01, INC-3.\nfunc TestX(t *testing.T) {}", "A-01 TestX, INC-3 TestX"},
		"a sentence inside":           {"func TestX(t *testing.T) {\n// It is so. Proves A-01 and\n// A-02.\n}", "A-01 TestX, A-02 TestX"},
		"a comment that only names":   {"// Not about A-01.\nfunc TestX(t *testing.T) {}", ""},
		"the end of a word":           {`func TestRaceA01(t *testing.T) {}`, "A-01 TestRaceA01"},
		"no word of its own":          {`func TestSHA01(t *testing.T) {}`, ""},
		"other text":                  {`func TestX(t *testing.T) { _ = "UTF-16 XA-01 A-01x /A-01/" }`, ""},
		"a fuzz target":               {"// Proves A-01.\nfunc FuzzX(f *testing.F) {}", "A-01 FuzzX"},
		"a table that a test uses":    {"var table = []string{\"A-01\"}\nfunc TestX(t *testing.T) { _ = table }", "A-01 TestX"},
		"a helper's helper":           {"func a() { b() }\nfunc b() { _ = \"A-01\" }\nfunc TestX(t *testing.T) { a() }", "A-01 TestX"},
		"a method":                    {"type h int\nfunc (h) m() { _ = \"A-01\" }\nfunc TestX(t *testing.T) { h(0).m() }", "A-01 TestX"},
		"a helper that no test calls": {"func a() { _ = \"A-01\" }\nfunc TestX(t *testing.T) {}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			proofs := proofsOf(t, "a/a_test.go", "package a\n"+test.text)
			for _, id := range []string{"A-01", "A-02", "INC-3"} {
				for _, p := range proofs[id] {
					got = append(got, id+" "+p.Test)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("proofs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyTestsProve(t *testing.T) {
	const text = "package a\nfunc testX(t *testing.T) { _ = \"A-01\" }\nfunc TestY(t *testing.T) { _ = \"A-02\" }\n"
	for file, want := range map[string]int{
		"a/a.go": 0, "a/a_test.go": 1, "a/testdata/a_test.go": 0, "scripts/proof/a_test.go": 0, "internal/store/storetest/a.go": 2,
	} {
		if got := len(proofsOf(t, file, text)); got != want {
			t.Errorf("%s proves %d rules, want %d", file, got, want)
		}
	}
}

func TestFindings(t *testing.T) {
	const good = "package a\nfunc TestX(t *testing.T) { _ = \"A-01 INC-3\" }\n"
	for name, test := range map[string]struct{ list, text, want string }{
		"none":                     {rules, good, ""},
		"no test and no reason":    {rules, strings.Replace(good, "A-01", "", 1), "A-01 has neither a test nor a reason: write `// Proves A-01.`"},
		"a remark is no proof":     {rules, strings.Replace(good, "INC-3", "", 1), "INC-3 has neither a test nor a reason"},
		"a reason beside a proof":  {rules, strings.Replace(good, "A-01", "A-01 A-02", 1), "A-02 is proven by TestX in a/a_test.go: remove its line `not: later`"},
		"a rule that nobody has":   {rules, strings.Replace(good, "A-01", "A-01 A-17", 1), "TestX in a/a_test.go names A-17, which no list"},
		"a letter that nobody has": {rules, "package a\n// Proves B-01.\nfunc TestX(t *testing.T) { _ = \"A-01 INC-3\" }\n", "names B-01, which no list"},
		"a rule twice":             {rules + "A-01 | again\n", good, "A-01 stands twice"},
		"a claim of nobody":        {rules, good + "func helper() { _ = \"A-01\" }\n", "helper in a/a_test.go names ids"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Read(repository(t, map[string]string{Lists + "/rules.txt": test.list, "a/a_test.go": test.text}))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(result.Findings, "\n")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("findings:\n%s\nwant: %s", got, test.want)
			}
		})
	}
}

func TestDocument(t *testing.T) {
	const want = `# Rules

| id | rule | proof |
|---|---|---|
| A-01 | one | [TestX](../a/a_test.go) [TestY](../a/a_test.go) |
| A-02 | two | **no**: later |
| INC-3 | three | [TestX](../a/a_test.go) **but**: half |
`
	const text = "package a\nfunc TestY(t *testing.T) { _ = \"A-01\" }\nfunc TestX(t *testing.T) { _ = \"A-01 A-01 INC-3\" }\n"
	result, err := Read(repository(t, map[string]string{Lists + "/rules.txt": rules, "a/a_test.go": text}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Document{{Path: "docs/rules.md", Text: want, Lines: 3, Proven: 2}}, result.Documents); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestManyProofsAreCounted(t *testing.T) {
	cell := rule{}.shown(slices.Repeat([]Proof{{File: "a/a_test.go", Test: "TestX"}}, mostShown+2))
	if strings.Count(cell, "[TestX]") != mostShown || !strings.HasSuffix(cell, " and 2 more") {
		t.Errorf("the cell is %s", cell)
	}
}

func TestListsAreRead(t *testing.T) {
	for _, text := range []string{"not: alone\n", "A-01 | one\nnot: a\nbut: b\n", "A-01 | one\n\nnot: late\n"} {
		if _, err := parse("x.txt", text); err == nil || !strings.Contains(err.Error(), "follows no rule") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
