package issue

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// FuzzContacts holds that a contact that is kept is one mail address, in which nothing can begin another header of a
// mail, and that a kept contact is kept again.
// Proves A-07.
func FuzzContacts(f *testing.F) {
	for _, contact := range []string{
		"mailto:a@example.com", "MAILTO:a@example.com", "mailto: a@example.com", "mailto:a@x.test,b@x.test", "mailto:a@x.test?subject=q",
		"mailto:a%0d%0aBcc:b@x.test", "mailto:%22a b%22@x.test", "mailto:a@[192.0.2.1]", "tel:1", "", "%",
	} {
		f.Add(contact)
	}
	f.Fuzz(func(t *testing.T, contact string) {
		kept, err := readContacts([]string{contact})
		if err != nil {
			if !fault.Is(err, fault.InvalidContact) && !fault.Is(err, fault.UnsupportedContact) || fault.Sentence(err) == "" {
				t.Errorf("refused without a reason: %v", err)
			}
			return
		}
		if strings.ContainsAny(kept[0], "\r\n\x00 ") || len(kept[0]) > maxContact {
			t.Errorf("%q is kept", kept[0])
		}
		if again, err := readContacts(kept); err != nil || again[0] != kept[0] {
			t.Errorf("%q is kept as %q, and then as %q: %v", contact, kept[0], again, err)
		}
		if list, err := mail.ParseAddressList(strings.TrimSpace(kept[0][len("mailto:"):])); err == nil && len(list) != 1 {
			t.Errorf("%q has %d addresses", kept[0], len(list))
		}
	})
}
