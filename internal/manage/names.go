package manage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// nameForm is the form of names that stand in URLs and in names of files.
var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$`)

// checkName refuses a name that cannot stand in a URL. what is "a connector", "a profile", ...
func checkName(what, name string) error {
	if nameForm.MatchString(name) {
		return nil
	}
	return fault.New(fault.Malformed,
		"%q cannot be the name of %s: use 1 to 48 of a-z, 0-9 and hyphen, without a hyphen at the ends.", clip(name), what)
}

// maxLabel bounds names that stand nowhere but in lists, in octets.
const maxLabel = 64

// checkLabel refuses a name that could not be shown in one line. what is as for checkName.
func checkLabel(what, name string) error {
	if isLine(name, maxLabel) {
		return nil
	}
	return fault.New(fault.Malformed,
		"%q cannot be the name of %s: use one line of 1 to %d printable octets, without spaces at the ends.", clip(name), what, maxLabel)
}

// isLine reports whether text can be shown in one line: 1 to most octets of UTF-8, printable, no space at an end.
func isLine(text string, most int) bool {
	return text != "" && len(text) <= most && utf8.ValidString(text) && strings.TrimSpace(text) == text &&
		strings.IndexFunc(text, unprintable) < 0
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// unknown says that there is no such object, and which there are.
func unknown(what, name string, existing []string) error {
	const most = 10
	slices.Sort(existing)
	existing = slices.Compact(existing)
	list := strings.Join(existing[:min(len(existing), most)], ", ")
	switch {
	case len(existing) == 0:
		return fault.New(fault.NotFound, "There is no %s %q; there is none at all.", what, clip(name))
	case len(existing) > most:
		list += fmt.Sprintf(" and %d more", len(existing)-most)
	}
	return fault.New(fault.NotFound, "There is no %s %q; there are: %s.", what, clip(name), list)
}

// clip keeps foreign text short enough to be repeated in a sentence.
func clip(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
