package manage_test

import (
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// Who offers a public profile learns at once, and by the readiness of the server, what is missing for it.
//
// Proves BR-12, INC-87.
func TestWhatIsMissingForAPublicProfile(t *testing.T) {
	h := newReady(t)
	ctx := t.Context()
	if _, err := h.CreateIssuer(ctx, operator, manage.NewIssuer{Name: "web", Parent: manage.Root, Public: true, Country: "DE"}); err != nil {
		t.Fatal(err)
	}
	_, err := h.SaveProfile(ctx, operator, "", "web", func(s *pki.Spec) error {
		s.Issuer, s.Public, s.Keys, s.Policies = "web", true, []pki.KeyType{pki.ECDSAP256}, []pki.Policy{{OID: pki.PolicyDomainValidated}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.CheckPublic(ctx); err != nil {
		t.Errorf("nobody offers it: %v", err)
	}
	offer := func(rules *policy.Rules) error { rules.Profiles = []string{"default", "web"}; return nil }
	view, err := h.SetRules(ctx, operator, "default", offer)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(view.Warnings, "\n"); strings.Count(text, "Nothing is issued by the public profile web: ") != 3 || !strings.Contains(text, "CAA records must be checked") {
		t.Errorf("the operator is told: %s", text)
	}
	made, err := h.CreateConnector(ctx, operator, manage.NewConnector{Name: "other"}, offer)
	if err != nil || len(made.Warnings) != 3 {
		t.Errorf("of a new connector: %q, %v", made.Warnings, err)
	}
	if err := h.CheckPublic(ctx); !fault.Is(err, fault.Unavailable) || !strings.HasPrefix(fault.Sentence(err), "The connector default: Nothing is issued") {
		t.Errorf("ready: %v", err)
	}
	for _, name := range []string{"default", "other"} {
		if _, err := h.SuspendConnector(ctx, operator, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.CheckPublic(ctx); err != nil {
		t.Errorf("suspended connectors issue nothing anyway: %v", err)
	}
}
