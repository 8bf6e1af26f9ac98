package cli

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// writeEvidence shows for each name how its control was proven, or why not, with everything that the attempts saw.
func (c *command) writeEvidence(w io.Writer, authorizations []adminapi.Authorization) error {
	e := evidence{c: c}
	for _, a := range authorizations {
		e.authorization(a)
	}
	_, err := io.WriteString(w, e.text.String())
	return err
}

// evidence is text of indented lines.
type evidence struct {
	c    *command
	text strings.Builder
}

// line adds a line, indented by so many steps.
func (e *evidence) line(depth int, format string, args ...any) {
	e.text.WriteString(strings.Repeat("  ", depth) + render.Clean(fmt.Sprintf(format, args...)) + "\n")
}

func (e *evidence) authorization(a adminapi.Authorization) {
	e.text.WriteString("\n")
	until := ""
	if a.Status == string(acme.Valid) || a.Status == string(acme.Pending) {
		until = " until " + render.When(a.Expires, e.c.now())
	}
	e.line(0, "%s: %s%s, authorization %s", a.Name, a.Status, until, a.ID)
	for _, one := range a.Challenges {
		e.line(1, "%s: %s", one.Method, one.Status)
		for _, text := range failure(one.Failure) {
			e.line(2, "%s", text)
		}
		for n, attempt := range one.Attempts {
			e.attempt(n+1, attempt)
		}
	}
}

func (e *evidence) attempt(n int, a acme.Attempt) {
	where := ""
	if a.Perspective != "" {
		where = " from " + a.Perspective
	}
	e.line(2, "attempt %d at %s, %d ms%s: %s", n, a.At.UTC().Format("2006-01-02 15:04:05 UTC"), a.Duration, where, cmp.Or(a.Seen, "nothing seen"))
	for _, l := range a.Lookups {
		e.line(3, "DNS %s %s%s: %s", l.Type, l.Name, via(l.Server), lookup(l))
	}
	for _, h := range a.Hops {
		e.line(3, "%s%s: %s", h.URL, at(h.Address), hop(h))
	}
	for _, text := range failure(a.Failure) {
		e.line(3, "%s", text)
	}
	if a.Retryable {
		e.line(3, "may be tried again")
	}
}

func via(server string) string {
	if server == "" {
		return ""
	}
	return " from " + server
}

func at(address string) string {
	if address == "" {
		return ""
	}
	return " at " + address
}

func lookup(l acme.Lookup) string {
	if len(l.Answers) == 0 {
		return l.Result
	}
	return l.Result + " " + strings.Join(l.Answers, ", ")
}

// hop says how a connection ended.
func hop(h acme.Hop) string {
	switch {
	case h.Status != 0 && h.Error != "":
		return strconv.Itoa(h.Status) + ", " + h.Error
	case h.Status != 0:
		return strconv.Itoa(h.Status)
	default:
		return cmp.Or(h.Error, "connected")
	}
}

// failure returns a sentence for a failure and each of its parts.
func failure(f *acme.Failure) []string {
	if f == nil {
		return nil
	}
	text := f.Public
	if name := f.Identifier.Value(); name != "" {
		text = name + ": " + text
	}
	lines := []string{text + " [" + f.Kind + "]"}
	for _, sub := range f.Subs {
		lines = append(lines, failure(&sub)...)
	}
	return lines
}
