package pki_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Every code from -1 to 12, for both who may ask (V-05, BR-17).
// Proves BR-17.
func TestParseReason(t *testing.T) {
	t.Parallel()
	for code := -1; code <= 12; code++ {
		for _, asSubscriber := range []bool{true, false} {
			want := slices.Contains([]int{0, 1, 3, 4, 5}, code) || code == 9 && !asSubscriber
			reason, err := pki.ParseReason(code, asSubscriber)
			switch {
			case want && (err != nil || int(reason) != code):
				t.Errorf("code %d, subscriber %t: %v, %v", code, asSubscriber, reason, err)
			case !want && !fault.Is(err, fault.BadRevocationReason):
				t.Errorf("code %d, subscriber %t: %v, %v, want a refusal", code, asSubscriber, reason, err)
			}
		}
	}
	_, err := pki.ParseReason(6, true)
	if want := "Reason code 6 is not allowed; the codes 0, 1, 3, 4 and 5 are."; fault.Sentence(err) != want {
		t.Errorf("%q, want %q", fault.Sentence(err), want)
	}
	if _, err = pki.ParseReason(2, false); !strings.Contains(fault.Sentence(err), "0, 1, 3, 4, 5 and 9") {
		t.Error(err)
	}
}

func TestReasonString(t *testing.T) {
	t.Parallel()
	for reason, want := range map[pki.Reason]string{
		0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
		5: "cessationOfOperation", 9: "privilegeWithdrawn", 7: "7",
	} {
		if got := reason.String(); got != want {
			t.Errorf("%d is %q, want %q", int(reason), got, want)
		}
	}
}
