package render

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Rows is a table: one line for each thing.
type Rows struct {
	Header []string
	rows   [][]string
}

// Add adds a line. An empty cell is shown as "-", so that every line has as many words to look at as there are columns.
func (r *Rows) Add(cells ...string) {
	for i, cell := range cells {
		if cells[i] = Clean(cell); cell == "" {
			cells[i] = "-"
		}
	}
	r.rows = append(r.rows, cells)
}

// Empty reports whether the table has no line.
func (r *Rows) Empty() bool { return len(r.rows) == 0 }

// Write writes the table. Without lines it is the header alone.
func (r *Rows) Write(w io.Writer) error { return align(w, append([][]string{r.Header}, r.rows...)) }

// Facts is one thing, a line for each fact.
type Facts struct{ lines [][]string }

// Add adds a fact. More values stand below the first; a fact without any value but "" is left out.
func (f *Facts) Add(name string, values ...string) {
	for _, value := range values {
		if value == "" {
			continue
		}
		f.lines = append(f.lines, []string{name, Clean(value)})
		name = ""
	}
}

// Write writes the facts.
func (f *Facts) Write(w io.Writer) error { return align(w, f.lines) }

// Clean returns text with everything that a terminal would obey or hide replaced: control characters, escapes,
// changes of direction, invalid UTF-8.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// Words joins a list for one cell.
func Words[T ~string](list []T) string {
	words := make([]string, 0, len(list))
	for _, word := range list {
		words = append(words, string(word))
	}
	return strings.Join(words, ", ")
}

// fewColumns is about how wide [Few] lets a cell become.
const fewColumns = 40

// Few joins the first of a list for one cell, as many as fit but at least one, and counts the rest.
func Few(list []string) string {
	most, used := 0, 0
	for most < len(list) && (most == 0 || used+columns(list[most]) <= fewColumns) {
		used += columns(list[most]) + len(", ")
		most++
	}
	text := strings.Join(list[:most], ", ")
	if most < len(list) {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return text
}

// YesNo is a word for a fact.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
