package cli

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// writeEvidence shows for each name how its control was proven, or why not, with everything that the attempts saw.
// What the order's own failure says, which stands above, is not said again.
func (c *command) writeEvidence(w io.Writer, o adminapi.Order) error {
	e := evidence{now: c.now()}
	for _, a := range o.Authorizations {
		e.name, e.said = strings.TrimPrefix(a.Name, "*."), failure(o.Failure)
		e.authorization(a)
	}
	for _, one := range o.CAA {
		e.name, e.said = one.Name, failure(o.Failure)
		e.check(one)
	}
	_, err := io.WriteString(w, e.text.String())
	return err
}

// evidence is text of indented lines.
type evidence struct {
	now  time.Time
	text strings.Builder
	name string   // that the failures are of
	said []string // what stands there already about it
}

// line adds a line, indented by so many steps.
func (e *evidence) line(depth int, format string, args ...any) {
	e.text.WriteString(strings.Repeat("  ", depth) + render.Clean(fmt.Sprintf(format, args...)) + "\n")
}

// failure adds what a failure says and does not stand there yet, without the name that it is listed under.
func (e *evidence) failure(depth int, f *acme.Failure) {
	for _, text := range failure(f) {
		if !slices.Contains(e.said, text) {
			e.said = append(e.said, text)
			e.line(depth, "%s", strings.TrimPrefix(text, e.name+": "))
		}
	}
}

func (e *evidence) authorization(a adminapi.Authorization) {
	e.text.WriteString("\n")
	until := ""
	if a.Status == string(acme.Valid) || a.Status == string(acme.Pending) {
		until = " until " + render.When(a.Expires, e.now)
	}
	e.line(0, "%s: %s%s, authorization %s", a.Name, a.Status, until, a.ID)
	if a.Approval != nil {
		e.line(1, "pre-approved by credential %s (%s) at %s", a.Approval.Name, a.Approval.Credential, render.When(a.Approval.At, e.now))
		return
	}
	for _, one := range a.Challenges {
		e.line(1, "%s: %s", one.Method, one.Status)
		e.failure(2, one.Failure)
		e.attempts(one.Attempts)
	}
}

// check shows what CAA records said of a name when the order was to become a certificate.
func (e *evidence) check(c adminapi.Check) {
	verdict := "let this CA issue"
	if c.Failure != nil {
		verdict = "refuse"
	}
	e.text.WriteString("\n")
	e.line(0, "%s: CAA records %s, control proven by %s", c.Name, verdict, cmp.Or(c.Method, "nothing"))
	e.failure(1, c.Failure)
	e.attempts(c.Attempts)
}

func (e *evidence) attempts(all []adminapi.Attempt) {
	for n, attempt := range all {
		earlier := slices.IndexFunc(all[:n], func(b adminapi.Attempt) bool { return sameSight(attempt, b) })
		e.attempt(n+1, earlier+1, attempt)
	}
}

// sameSight tells whether two attempts saw the same.
func sameSight(a, b adminapi.Attempt) bool {
	a.At, a.Duration, a.Perspective = b.At, b.Duration, b.Perspective
	return reflect.DeepEqual(a, b)
}

// attempt shows the attempt n, in one line when it saw what an earlier one did.
func (e *evidence) attempt(n, earlier int, a adminapi.Attempt) {
	head := fmt.Sprintf("attempt %d at %s, %d ms", n, render.Time(a.At), a.Duration)
	if a.Perspective != "" {
		head += " from " + a.Perspective
	}
	if a.Retryable {
		head += ", temporary"
	}
	if earlier > 0 {
		e.line(2, "%s: the same as attempt %d", head, earlier)
		return
	}
	e.line(2, "%s", head)
	if a.Failure == nil || a.Seen != a.Failure.Public {
		e.line(3, "%s", cmp.Or(a.Seen, "nothing seen"))
	}
	e.failure(3, a.Failure)
	if len(a.Reports) > 0 {
		e.line(3, "the owner wants to hear of it (iodef): %s", strings.Join(a.Reports, ", "))
	}
	for _, l := range a.Lookups {
		e.line(3, "%s: %s", strings.TrimSpace("DNS "+l.Type+" "+l.Name+via(l.Server)), lookup(l))
	}
	for _, h := range a.Hops {
		e.line(3, "%s%s: %s", h.URL, at(h.Address), hop(h))
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
	text := l.Result
	if len(l.Answers) > 0 {
		text += " " + strings.Join(l.Answers, ", ")
	}
	if l.Authenticated {
		text += " (authenticated)"
	}
	return text
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
