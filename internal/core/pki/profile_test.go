package pki_test

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Proves BR-08.
func TestProfilesOfAnInstallation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec     pki.Spec
		lifetime time.Duration
		noCRL    bool
	}{
		"default":    {pki.DefaultSpec("default"), 90 * day, false},
		"shortlived": {pki.ShortLivedSpec("default"), 160 * time.Hour, true},
	} {
		if err := c.spec.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.spec.Lifetime.Duration() != c.lifetime || c.spec.NoCRL != c.noCRL || c.spec.CommonName || c.spec.Issuer != "default" {
			t.Errorf("%s: %+v", name, c.spec)
		}
	}
}

// Proves PR-04, BR-08.
func TestSpecValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*pki.Spec)
		sentence string // "" means valid
	}{
		"no issuer":             {func(s *pki.Spec) { s.Issuer = "" }, "issuer:"},
		"longest description":   {func(s *pki.Spec) { s.Description = strings.Repeat("a", 500) }, ""},
		"description too long":  {func(s *pki.Spec) { s.Description = strings.Repeat("a", 501) }, "description:"},
		"description of lines":  {func(s *pki.Spec) { s.Description = "a\nb" }, "description:"},
		"shortest lifetime":     {func(s *pki.Spec) { s.Lifetime, s.Backdate = span.Of(time.Minute), span.Of(30*time.Second) }, ""},
		"lifetime too short":    {func(s *pki.Spec) { s.Lifetime, s.Backdate = span.Of(59*time.Second), 0 }, "lifetime: 59s"},
		"longest lifetime":      {func(s *pki.Spec) { s.Lifetime = span.Of(pki.MaxLifetime) }, ""},
		"lifetime too long":     {func(s *pki.Spec) { s.Lifetime = span.Of(pki.MaxLifetime + time.Second) }, "lifetime:"},
		"lifetime in fractions": {func(s *pki.Spec) { s.Lifetime = span.Of(time.Hour + time.Millisecond); s.Backdate = 0 }, "lifetime:"},
		"no backdate":           {func(s *pki.Spec) { s.Backdate = 0 }, ""},
		"most backdate":         {func(s *pki.Spec) { s.Backdate = 2 * span.Day }, ""},
		"backdate too long":     {func(s *pki.Spec) { s.Backdate = 2*span.Day + span.Of(time.Second) }, "backdate: 2d1s"},
		"backdate negative":     {func(s *pki.Spec) { s.Backdate = -1 }, "backdate:"},
		"backdate over half":    {func(s *pki.Spec) { s.Lifetime, s.Backdate = span.Of(time.Hour), span.Of(31*time.Minute) }, "backdate:"},
		"no keys":               {func(s *pki.Spec) { s.Keys = nil }, "keys: name at least one"},
		"unknown key":           {func(s *pki.Spec) { s.Keys = []pki.KeyType{"dsa"} }, `keys: "dsa" is none of`},
		"size of key":           {func(s *pki.Spec) { s.Keys = []pki.KeyType{pki.RSA2048} }, `keys: "rsa-2048" is none of`},
		"key twice":             {func(s *pki.Spec) { s.Keys = []pki.KeyType{pki.RSA, pki.RSA} }, `keys: "rsa" stands there twice`},
		"no usages":             {func(s *pki.Spec) { s.Usages = nil }, "usages: name at least one"},
		"both usages":           {func(s *pki.Spec) { s.Usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth} }, ""},
		"unknown usage":         {func(s *pki.Spec) { s.Usages = []pki.Usage{"code-signing"} }, `usages: "code-signing" is none of`},
		"7 days without CRL":    {func(s *pki.Spec) { s.NoCRL, s.Lifetime = true, 7*span.Day }, ""},
		"longer without CRL":    {func(s *pki.Spec) { s.NoCRL, s.Lifetime = true, 7*span.Day+span.Of(time.Second) }, "no_crl:"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := pki.DefaultSpec("default")
			c.change(&spec)
			err := spec.Validate()
			if c.sentence == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !fault.Is(err, fault.Malformed) || !strings.HasPrefix(fault.Sentence(err), c.sentence) {
				t.Errorf("%v; want %q", err, c.sentence)
			}
		})
	}
}

// An operator learns everything at once.
func TestSpecValidateTellsAll(t *testing.T) {
	t.Parallel()
	sentences := fault.Sentence(pki.Spec{}.Validate())
	for _, field := range []string{"issuer:", "lifetime:", "keys:", "usages:"} {
		if !strings.Contains(sentences, field) {
			t.Errorf("%q lacks %s", sentences, field)
		}
	}
}
