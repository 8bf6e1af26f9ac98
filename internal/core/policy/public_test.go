package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Proves BR-11, BR-12, INC-87.
func TestRulesForThePublic(t *testing.T) {
	t.Parallel()
	day := func(year int, month time.Month) time.Time { return time.Date(year, month, 15, 0, 0, 0, 0, time.UTC) }
	var known []policy.Perspective
	for i, name := range named(5)[1:] {
		known = append(known, policy.Perspective{Name: name, Region: policy.Registries()[i%2]})
	}
	for _, test := range []struct {
		about  string
		at     time.Time
		change func(*policy.Rules)
		want   string // part of the only sentence; "": there is none
	}{
		{"all that is demanded", day(2026, time.December), nil, ""},
		{"no CAA identity", day(2026, time.December), func(r *policy.Rules) { r.CAAIdentities = nil }, "CAA records must be checked"},
		{"a quorum that is too small", day(2026, time.December), func(r *policy.Rules) { r.Quorum.Regions = 1 }, "at least 2 regions"},
		{"200 days of reuse", day(2026, time.March), func(r *policy.Rules) { r.ReuseLife = 200 * span.Day }, ""},
		{"201 days of reuse", day(2026, time.March), func(r *policy.Rules) { r.ReuseLife = 201 * span.Day }, "may be used for 200d, and not for 201d"},
		{"200 days of reuse from 2027 on", day(2027, time.March), func(r *policy.Rules) { r.ReuseLife = 200 * span.Day }, "may be used for 100d, and not for 200d"},
		{"100 days of reuse from 2029 on", day(2029, time.March), func(r *policy.Rules) { r.ReuseLife = 100 * span.Day }, "may be used for 10d, and not for 100d"},
	} {
		rules := policy.DefaultRules("web")
		rules.CAAIdentities = []string{"ca.example.net"}
		rules.Quorum = policy.Quorum{Perspectives: named(5), Need: 4, Regions: 2}
		if test.change != nil {
			test.change(&rules)
		}
		found := strings.Join(rules.Public(known, test.at), "\n")
		if test.want == "" && found != "" || !strings.Contains(found, test.want) || strings.Contains(found, "\n") {
			t.Errorf("%s: %q", test.about, found)
		}
	}
}
