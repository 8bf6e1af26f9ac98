package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// readExcuses reads which refusals may go unnoticed, and why: lines of "NAME | reason".
func readExcuses(name string, refusals []refusal) (map[string]string, error) {
	excuses := map[string]string{}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return excuses, nil
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		refused, reason, ok := strings.Cut(line, " | ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("%s: %q is not NAME | reason", name, line)
		}
		if !slices.ContainsFunc(refusals, func(r refusal) bool { return r.name() == refused }) {
			return nil, fmt.Errorf("%s excuses what no code refuses: %s", name, refused)
		}
		excuses[refused] = reason
	}
	return excuses, nil
}

const heading = `# Mutants

Each refusal of the code, switched off by itself, and the test that then fails. Made by ` + "`make mutants`" + ` on %s, from the code: errors that are
made and not passed on, findings, reasons. A refusal that can be switched off unnoticed fails that command, unless it stands here with a reason.

%d refusals: %d noticed, %d excused%s.
`

// render writes the document.
func render(verdicts []verdict, excuses map[string]string, at time.Time) string {
	var out strings.Builder
	noticed, excused := 0, 0
	for _, v := range verdicts {
		switch {
		case v.test != "":
			noticed++
		case excuses[v.refusal.name()] != "":
			excused++
		}
	}
	open := ""
	if n := len(verdicts) - noticed - excused; n > 0 {
		open = fmt.Sprintf(", **%d unnoticed**", n)
	}
	fmt.Fprintf(&out, heading, at.UTC().Format("2 January 2006"), len(verdicts), noticed, excused, open)
	folder := ""
	for _, v := range verdicts {
		if f := path.Dir(v.refusal.file); f != folder {
			folder = f
			fmt.Fprintf(&out, "\n## %s\n\n| where | what it says | noticed by |\n|---|---|---|\n", folder)
		}
		fmt.Fprintf(&out, "| %s `%s` | %s | %s |\n", path.Base(v.refusal.file), v.refusal.function, cell(v.refusal.text), v.cell(excuses))
	}
	return out.String()
}

// cell says who noticed.
func (v verdict) cell(excuses map[string]string) string {
	reason := excuses[v.refusal.name()]
	switch {
	case v.test == "" && reason == "":
		return "**nobody**: " + v.how
	case v.test == "":
		return "excused: " + cell(reason)
	case v.folder != path.Dir(v.refusal.file):
		return v.folder + " " + v.test
	default:
		return v.test
	}
}

// cell shortens a text and takes from it what would end the cell of a table.
func cell(text string) string {
	const most = 100
	letters := []rune(strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text))
	if len(letters) > most {
		return string(letters[:most]) + "..."
	}
	return string(letters)
}
