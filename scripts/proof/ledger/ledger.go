// Package ledger compares lists of rules with the tests that prove them.
//
// A list is a text file. Headings and prose pass into its document as they stand; a rule is one line,
//
//	ID | WORDS | WORDS
//
// perhaps followed by one of
//
//	not: why nothing proves it
//	but: what the tests named for it leave open
//
// A test proves the rules whose ids stand in its strings (the names of its sub-tests, the rows of its tables, what it
// says when it fails), at the end of a word of its own name (TestFinalizeO18), or after "Proves" in a comment above
// it or inside it.
package ledger

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Lists is the folder of the lists: NAME.txt becomes docs/NAME.md.
const Lists = "scripts/proof/lists"

// A Document is what a list becomes.
type Document struct {
	Path          string // in the repository
	Text          string
	Lines, Proven int
}

// A Result is everything that the repository says.
type Result struct {
	Documents []Document
	Findings  []string // one sentence for each contradiction
}

// A Proof is a test that names a rule.
type Proof struct {
	File, Test string
}

// Read reads the lists and the tests of the repository at root.
func Read(root string) (Result, error) {
	paths, err := filepath.Glob(filepath.Join(root, Lists, "*.txt"))
	if err != nil {
		return Result{}, err
	}
	var lists []list
	for _, name := range paths {
		text, err := os.ReadFile(name)
		if err != nil {
			return Result{}, err
		}
		l, err := parse(path.Join(Lists, filepath.Base(name)), string(text))
		if err != nil {
			return Result{}, err
		}
		lists = append(lists, l)
	}
	claims, err := readTests(root, prefixes(lists))
	if err != nil {
		return Result{}, err
	}
	return judge(lists, claims), nil
}

// judge compares the lists with what the tests claim.
func judge(lists []list, claims claims) Result {
	var result Result
	known := map[string]bool{}
	for _, l := range lists {
		document := Document{Path: l.document(), Text: l.render(claims.proofs)}
		for _, r := range l.rules() {
			document.Lines++
			if len(claims.proofs[r.id]) != 0 {
				document.Proven++
			}
			if known[r.id] {
				result.Findings = append(result.Findings, fmt.Sprintf("%s stands twice in the lists, the second time in %s", r.id, l.path))
			}
			known[r.id] = true
			if finding := r.judge(claims.proofs[r.id], l.path); finding != "" {
				result.Findings = append(result.Findings, finding)
			}
		}
		result.Documents = append(result.Documents, document)
	}
	for id, proofs := range claims.proofs {
		if !known[id] {
			result.Findings = append(result.Findings, fmt.Sprintf("%s in %s names %s, which no list in %s has", proofs[0].Test, proofs[0].File, id, Lists))
		}
	}
	result.Findings = append(result.Findings, claims.homeless...)
	slices.Sort(result.Findings)
	return result
}

// judge returns a sentence where the rule and its proofs contradict each other.
func (r rule) judge(proofs []Proof, list string) string {
	switch {
	case r.not != "" && len(proofs) != 0:
		return fmt.Sprintf("%s is proven by %s in %s: remove its line `not: %s` from %s, or write `but:` and what stays open, and run make proof",
			r.id, proofs[0].Test, proofs[0].File, r.not, list)
	case r.not == "" && len(proofs) == 0:
		return fmt.Sprintf("%s has neither a test nor a reason: write `// Proves %s.` above the test that proves it, or `not: ...` below it in %s, and run make proof",
			r.id, r.id, list)
	default:
		return ""
	}
}

func compareProofs(a, b Proof) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Test, b.Test))
}

// prefixes returns the letters with which ids begin.
func prefixes(lists []list) map[string]bool {
	found := map[string]bool{}
	for _, l := range lists {
		for _, r := range l.rules() {
			prefix, _, _ := strings.Cut(r.id, "-")
			found[prefix] = true
		}
	}
	return found
}
