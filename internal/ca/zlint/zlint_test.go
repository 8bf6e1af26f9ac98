package zlint

import (
	"testing"

	"github.com/zmap/zlint/v3/lint"
)

// Every rule that is left out exists: one that the library renames comes back in silence otherwise.
func TestExcludedRulesExist(t *testing.T) {
	registry := lint.GlobalRegistry()
	for name := range excluded() {
		if registry.CertificateLints().ByName(name) == nil && registry.RevocationListLints().ByName(name) == nil {
			t.Errorf("there is no rule %s", name)
		}
	}
}

// Each kind of rule is there: a library that registers its rules in another way must not go unnoticed.
func TestRulesOfEachSource(t *testing.T) {
	r := New()
	if len(r.private) < 140 || len(r.public) < 320 || len(r.lists) < 17 {
		t.Errorf("%d private, %d public, %d for lists", len(r.private), len(r.public), len(r.lists))
	}
	sources := map[lint.LintSource]int{}
	for _, l := range r.public {
		sources[l.Source]++
		if excluded()[l.Name] != "" {
			t.Errorf("%s is left out and asked", l.Name)
		}
	}
	for _, source := range []lint.LintSource{
		lint.RFC5280, lint.Community, lint.CABFBaselineRequirements, lint.MozillaRootStorePolicy, lint.AppleRootStorePolicy, lint.ChromeRootStorePolicy,
	} {
		if sources[source] == 0 {
			t.Errorf("no rule of %s", source)
		}
	}
	for _, l := range r.private {
		if l.Source == lint.CABFBaselineRequirements {
			t.Errorf("%s judges private certificates", l.Name)
		}
	}
}

// A rule that fails has judged nothing, so the certificate is not signed.
func TestAFailedRuleRefuses(t *testing.T) {
	for status, want := range map[lint.LintStatus]struct{ found, warning bool }{
		lint.Pass: {}, lint.NA: {}, lint.NE: {}, lint.Notice: {},
		lint.Warn: {true, true}, lint.Error: {true, false}, lint.Fatal: {true, false},
	} {
		findings := note(nil, lint.LintMetadata{Name: "e_x", Description: "text", Citation: "RFC"}, &lint.LintResult{Status: status})
		if (len(findings) == 1) != want.found || want.found && findings[0].Warning != want.warning {
			t.Errorf("%s: %v", status, findings)
		}
	}
}
