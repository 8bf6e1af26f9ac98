package render

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
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

// Write writes the table. Without lines it is the header alone.
func (r *Rows) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cells := range append([][]string{r.Header}, r.rows...) {
		if _, err := fmt.Fprintln(table, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// Facts is one thing, a line for each fact.
type Facts struct{ lines [][2]string }

// Add adds a fact. More values stand below the first; a fact without any value but "" is left out.
func (f *Facts) Add(name string, values ...string) {
	for _, value := range values {
		if value == "" {
			continue
		}
		f.lines = append(f.lines, [2]string{name, Clean(value)})
		name = ""
	}
}

// Write writes the facts.
func (f *Facts) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range f.lines {
		if _, err := fmt.Fprintln(table, line[0]+"\t"+line[1]); err != nil {
			return err
		}
	}
	return table.Flush()
}

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

// Few joins the first of a list for one cell and counts the rest.
func Few(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// YesNo is a word for a fact.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
