package ledger

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// A list is one file of rules.
type list struct {
	path  string
	parts []part
}

// A part of a list is a rule, or else text that passes into the document as it stands.
type part struct {
	text string
	rule *rule
}

type rule struct {
	id       string
	words    []string
	not, but string
}

// ruleLine matches a rule; sub-match 1 is its id.
var ruleLine = regexp.MustCompile(`^([A-Z]+-[0-9]+) \| (.+)$`)

// parse reads a list.
func parse(name, text string) (list, error) {
	l := list{path: name}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if m := ruleLine.FindStringSubmatch(line); m != nil {
			l.parts = append(l.parts, part{rule: &rule{id: m[1], words: strings.Split(m[2], " | ")}})
			continue
		}
		mark, reason, remark := strings.Cut(strings.TrimSpace(line), ": ")
		if !remark || mark != "not" && mark != "but" {
			l.parts = append(l.parts, part{text: line})
			continue
		}
		last := len(l.parts) - 1
		if last < 0 || l.parts[last].rule == nil || l.parts[last].rule.not+l.parts[last].rule.but != "" {
			return list{}, fmt.Errorf("%s:%d: %q follows no rule", name, i+1, mark)
		}
		if mark == "not" {
			l.parts[last].rule.not = reason
		} else {
			l.parts[last].rule.but = reason
		}
	}
	return l, nil
}

func (l list) rules() (all []rule) {
	for _, p := range l.parts {
		if p.rule != nil {
			all = append(all, *p.rule)
		}
	}
	return all
}

func (l list) document() string {
	return path.Join("docs", strings.TrimSuffix(path.Base(l.path), ".txt")+".md")
}

// render writes the document: one line for each rule, so that a change of one proof is a change of one line.
func (l list) render(proofs map[string][]Proof) string {
	var out strings.Builder
	for _, p := range l.parts {
		if p.rule == nil {
			out.WriteString(p.text + "\n")
			continue
		}
		fmt.Fprintf(&out, "| %s | %s | %s |\n", p.rule.id, strings.Join(p.rule.words, " | "), p.rule.shown(proofs[p.rule.id]))
	}
	return out.String()
}

// mostShown is how many proofs of a rule a document links to: a helper that many tests call makes each of them a proof.
const mostShown = 12

// shown returns the cell that says what proves the rule.
func (r rule) shown(proofs []Proof) string {
	var cell []string
	for _, p := range proofs[:min(mostShown, len(proofs))] {
		cell = append(cell, fmt.Sprintf("[%s](../%s)", p.Test, p.File))
	}
	if more := len(proofs) - mostShown; more > 0 {
		cell = append(cell, fmt.Sprintf("and %d more", more))
	}
	if r.not != "" {
		cell = append(cell, "**no**: "+r.not)
	}
	if r.but != "" {
		cell = append(cell, "**but**: "+r.but)
	}
	return strings.Join(cell, " ")
}
