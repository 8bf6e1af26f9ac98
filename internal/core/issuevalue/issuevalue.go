// Package issuevalue reads the value of RFC 8659 section 4.2 by which a domain's owner names a CA and says on what terms:
//
//	ca.example; accounturi=https://ca.example/account/1; validationmethods=dns-01
//
// It stands in CAA records ("issue" and "issuewild") and in the TXT records of dns-persist-01.
package issuevalue

import (
	"errors"
	"strings"
)

// MaxLength bounds the octets of a value, and with it the work that one costs.
const MaxLength = 4096

// ErrSyntax says that a text is no issue-value.
var ErrSyntax = errors.New("not an issue-value of RFC 8659 section 4.2")

// Value is an issue-value.
type Value struct {
	Issuer     string // the issuer's domain name in lower case; "" names nobody
	Parameters []Parameter
}

// Parameter is one term. Tags are compared without regard to case, values as they stand.
type Parameter struct {
	Tag   string // in lower case
	Value string
}

// Parse reads an issue-value. With the error [ErrSyntax] the value still names the issuer where that part can be read, so
// that a reader knows whether a broken value is meant for somebody else.
func Parse(text string) (Value, error) {
	if len(text) > MaxLength {
		return Value{}, ErrSyntax
	}
	domain, terms, more := strings.Cut(text, ";")
	domain = trim(domain)
	if domain != "" && !isDomain(domain) {
		return Value{}, ErrSyntax
	}
	v := Value{Issuer: strings.ToLower(domain)} // after it was judged: Unicode has letters beyond ASCII that become "k" and "s"
	if !more || trim(terms) == "" {
		return v, nil
	}
	for term := range strings.SplitSeq(terms, ";") {
		p, ok := parseParameter(trim(term))
		if !ok {
			return Value{Issuer: v.Issuer}, ErrSyntax
		}
		v.Parameters = append(v.Parameters, p)
	}
	return v, nil
}

// Get returns the value of a parameter, whose tag is given in lower case, and how often it stands there. More than once is
// for the reader to refuse: the values may contradict each other.
func (v Value) Get(tag string) (value string, times int) {
	for _, p := range v.Parameters {
		if p.Tag == tag {
			value = p.Value
			times++
		}
	}
	return value, times
}

// Repeats reports whether any parameter stands there more than once.
func (v Value) Repeats() bool {
	seen := make(map[string]bool, len(v.Parameters))
	for _, p := range v.Parameters {
		if seen[p.Tag] {
			return true
		}
		seen[p.Tag] = true
	}
	return false
}

// String writes the value in the form in which it is usually published.
func (v Value) String() string {
	var out strings.Builder
	out.WriteString(v.Issuer)
	for _, p := range v.Parameters {
		out.WriteString("; " + p.Tag + "=" + p.Value)
	}
	if v.Issuer == "" && len(v.Parameters) == 0 {
		return ";"
	}
	return out.String()
}

// parseParameter reads tag *WSP "=" *WSP value.
func parseParameter(text string) (Parameter, bool) {
	tag, value, found := strings.Cut(text, "=")
	tag, value = trimRight(tag), trimLeft(value)
	return Parameter{strings.ToLower(tag), value}, found && isWord(tag) && isValue(value)
}

// isDomain reports whether a name is label *("." label).
func isDomain(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if !isWord(label) {
			return false
		}
	}
	return true
}

// isWord reports whether text is (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)), as labels and tags are.
func isWord(text string) bool {
	if text == "" || text[0] == '-' || text[len(text)-1] == '-' {
		return false
	}
	for _, c := range []byte(text) {
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// isValue reports whether text is *(%x21-3A / %x3C-7E).
func isValue(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x21 || c > 0x7e || c == ';' {
			return false
		}
	}
	return true
}

const whitespace = " \t"

func trim(text string) string      { return strings.Trim(text, whitespace) }
func trimLeft(text string) string  { return strings.TrimLeft(text, whitespace) }
func trimRight(text string) string { return strings.TrimRight(text, whitespace) }
