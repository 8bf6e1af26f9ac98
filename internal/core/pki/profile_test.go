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

// shrinking returns that many lifetimes, each a day after the one before it and a second shorter.
func shrinking(n int) (all []pki.Lifetime) {
	for i := range n {
		from := time.Date(2027, 1, 1+i, 0, 0, 0, 0, time.UTC)
		all = append(all, pki.Lifetime{From: from.Format(time.DateOnly), Lifetime: 47*span.Day - span.Of(time.Duration(i)*time.Second)})
	}
	return all
}

// Proves PR-04, BR-08.
func TestSpecValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*pki.Spec)
		sentence string // "" means valid
	}{
		"no issuer":               {func(s *pki.Spec) { s.Issuer = "" }, "issuer:"},
		"longest description":     {func(s *pki.Spec) { s.Description = strings.Repeat("a", 500) }, ""},
		"description too long":    {func(s *pki.Spec) { s.Description = strings.Repeat("a", 501) }, "description:"},
		"description of lines":    {func(s *pki.Spec) { s.Description = "a\nb" }, "description:"},
		"shortest lifetime":       {func(s *pki.Spec) { s.Lifetime, s.Backdate = span.Of(time.Minute), span.Of(30*time.Second) }, ""},
		"lifetime too short":      {func(s *pki.Spec) { s.Lifetime, s.Backdate = span.Of(59*time.Second), 0 }, "lifetime: 59s"},
		"longest lifetime":        {func(s *pki.Spec) { s.Lifetime = span.Of(pki.MaxLifetime) }, ""},
		"lifetime too long":       {func(s *pki.Spec) { s.Lifetime = span.Of(pki.MaxLifetime + time.Second) }, "lifetime:"},
		"lifetime in fractions":   {func(s *pki.Spec) { s.Lifetime = span.Of(time.Hour + time.Millisecond); s.Backdate = 0 }, "lifetime:"},
		"no backdate":             {func(s *pki.Spec) { s.Backdate = 0 }, ""},
		"most backdate":           {func(s *pki.Spec) { s.Backdate = 2 * span.Day }, ""},
		"backdate too long":       {func(s *pki.Spec) { s.Backdate = 2*span.Day + span.Of(time.Second) }, "backdate: 2d1s"},
		"backdate negative":       {func(s *pki.Spec) { s.Backdate = -1 }, "backdate:"},
		"backdate over half":      {func(s *pki.Spec) { s.Lifetime, s.Backdate = span.Of(time.Hour), span.Of(31*time.Minute) }, "backdate:"},
		"no keys":                 {func(s *pki.Spec) { s.Keys = nil }, "keys: name at least one"},
		"unknown key":             {func(s *pki.Spec) { s.Keys = []pki.KeyType{"dsa"} }, `keys: "dsa" is none of`},
		"size of key":             {func(s *pki.Spec) { s.Keys = []pki.KeyType{pki.RSA2048} }, `keys: "rsa-2048" is none of`},
		"key twice":               {func(s *pki.Spec) { s.Keys = []pki.KeyType{pki.RSA, pki.RSA} }, `keys: "rsa" stands there twice`},
		"no usages":               {func(s *pki.Spec) { s.Usages = nil }, "usages: name at least one"},
		"both usages":             {func(s *pki.Spec) { s.Usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth} }, ""},
		"unknown usage":           {func(s *pki.Spec) { s.Usages = []pki.Usage{"code-signing"} }, `usages: "code-signing" is none of`},
		"usage as number":         {func(s *pki.Spec) { s.Usages = append(s.Usages, "1.3.6.1.5.5.7.3.17") }, ""},
		"named usage as number":   {func(s *pki.Spec) { s.Usages = []pki.Usage{"1.3.6.1.5.5.7.3.1"} }, "usages: write 1.3.6.1.5.5.7.3.1 as a name"},
		"any usage":               {func(s *pki.Spec) { s.Usages = []pki.Usage{"2.5.29.37.0"} }, "usages: no leaf may have"},
		"any usage of Windows":    {func(s *pki.Spec) { s.Usages = []pki.Usage{"1.3.6.1.4.1.311.10.12.1"} }, "usages: no leaf may have"},
		"usage of an OCSP signer": {func(s *pki.Spec) { s.Usages = []pki.Usage{"1.3.6.1.5.5.7.3.9"} }, "usages: no leaf may have"},
		"odd number":              {func(s *pki.Spec) { s.Usages = []pki.Usage{"1.3.06"} }, `usages: "1.3.06" is none of`},
		"arc that cannot be":      {func(s *pki.Spec) { s.Usages = []pki.Usage{"1.40.1"} }, `usages: "1.40.1" is none of`},
		"key usages":              {func(s *pki.Spec) { s.KeyUsages = []pki.KeyUsage{pki.DigitalSignature, pki.KeyEncipherment} }, ""},
		"usage of a CA":           {func(s *pki.Spec) { s.KeyUsages = []pki.KeyUsage{"key-cert-sign"} }, `key_usages: "key-cert-sign" is none of`},
		"usage of no key":         {func(s *pki.Spec) { s.KeyUsages = []pki.KeyUsage{pki.KeyEncipherment} }, "key_usages: a key of type ecdsa-p256 can do none"},
		"subject":                 {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: pki.Country, Default: "DE"}} }, ""},
		"unknown attribute":       {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: "email", Default: "a"}} }, `subject: "email" is none of`},
		"common name as a field":  {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: "common-name", Default: "a"}} }, `subject: "common-name" is none of`},
		"attribute twice": {func(s *pki.Spec) {
			s.Subject = []pki.Field{{Attribute: pki.Unit, Default: "a"}, {Attribute: pki.Unit, Default: "b"}}
		}, "subject: unit stands there twice"},
		"default that cannot be": {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: pki.Country, Default: "GER"}} }, "subject: the default of country is longer"},
		"value from nowhere":     {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: pki.Unit, Required: true}} }, "subject: unit has no default and no CSR may give it"},
		"policy": {func(s *pki.Spec) {
			s.Policies = []pki.Policy{{OID: "1.3.6.1.4.1.99999.1", CPS: "https://example.com/cps"}}
		}, ""},
		"policy that is none":    {func(s *pki.Spec) { s.Policies = []pki.Policy{{OID: "dv"}} }, `policies: "dv" is no object identifier`},
		"policy twice":           {func(s *pki.Spec) { s.Policies = []pki.Policy{{OID: "1.2.3"}, {OID: "1.2.3"}} }, "policies: 1.2.3 stands there twice"},
		"statement that is none": {func(s *pki.Spec) { s.Policies = []pki.Policy{{OID: "1.2.3", CPS: "ftp://example.com"}} }, "policies: the cps of 1.2.3"},
		"statement in umlauts":   {func(s *pki.Spec) { s.Policies = []pki.Policy{{OID: "1.2.3", CPS: "https://example.com/ü"}} }, "policies: the cps of 1.2.3"},
		"extension":              {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.4.1.99999.2", 5, 0) }, ""},
		"extension not in DER":   {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.4.1.99999.2", 5, 0, 0) }, "extensions: the value of"},
		"empty extension":        {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.4.1.99999.2") }, "extensions: the value of"},
		"basic constraints":      {func(s *pki.Spec) { s.Extensions = added("2.5.29.19", 48, 3, 1, 1, 255) }, "extensions: 2.5.29.19 is made from"},
		"Netscape's CA":          {func(s *pki.Spec) { s.Extensions = added("2.16.840.1.113730.1.1", 5, 0) }, "extensions: 2.16.840.1.113730.1.1 is made from"},
		"usages of Windows":      {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.4.1.311.21.10", 48, 0) }, "extensions: 1.3.6.1.4.1.311.21.10 is made from"},
		"proxies":                {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.5.5.7.1.14", 48, 0) }, "extensions: 1.3.6.1.5.5.7.1.14 is made from"},
		"direction of text":      {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: pki.Unit, Default: "a\u202eb"}} }, "subject: the default of unit holds a character"},
		"lines in a subject":     {func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: pki.Unit, Default: "a\u2028b"}} }, "subject: the default of unit holds a character"},
		"poison":                 {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.4.1.11129.2.4.3", 5, 0) }, "extensions: 1.3.6.1.4.1.11129.2.4.3 is made from"},
		"OCSP no check":          {func(s *pki.Spec) { s.Extensions = added("1.3.6.1.5.5.7.48.1.5", 5, 0) }, "extensions: 1.3.6.1.5.5.7.48.1.5 is made from"},
		"lifetimes": {func(s *pki.Spec) {
			s.Lifetimes = []pki.Lifetime{{"2027-03-15", 47 * span.Day}, {"2028-01-01", 7 * span.Day}}
		}, ""},
		"lifetime without a date": {func(s *pki.Spec) { s.Lifetimes = []pki.Lifetime{{"soon", 47 * span.Day}} }, `lifetimes: "soon" is no date`},
		"lifetimes out of order": {func(s *pki.Spec) {
			s.Lifetimes = []pki.Lifetime{{"2028-01-01", 47 * span.Day}, {"2027-01-01", 7 * span.Day}}
		}, "lifetimes: 2027-01-01 does not come after"},
		"lifetime that grows":    {func(s *pki.Spec) { s.Lifetimes = []pki.Lifetime{{"2028-01-01", 91 * span.Day}} }, "lifetimes: from 2028-01-01 on 91d is not"},
		"too many lifetimes":     {func(s *pki.Spec) { s.Lifetimes = shrinking(101) }, "lifetimes: 101 are more than"},
		"too many policies":      {func(s *pki.Spec) { s.Policies = make([]pki.Policy, 101) }, "policies: 101 are more than"},
		"too many extensions":    {func(s *pki.Spec) { s.Extensions = make([]pki.Extension, 101) }, "extensions: 101 are more than"},
		"extension of no number": {func(s *pki.Spec) { s.Extensions = added("poison", 5, 0) }, `extensions: "poison" is no object identifier`},
		"extension twice": {func(s *pki.Spec) {
			s.Extensions = append(added("1.3.6.1.4.1.99999.2", 5, 0), added("1.3.6.1.4.1.99999.2", 5, 0)...)
		}, "extensions: 1.3.6.1.4.1.99999.2 stands there twice"},
		"extended usage twice": {func(s *pki.Spec) { s.Usages = []pki.Usage{pki.ServerAuth, pki.ServerAuth} }, `usages: "server-auth" stands there twice`},
		"serial number in umlauts": {func(s *pki.Spec) {
			s.Subject = []pki.Field{{Attribute: pki.SerialNumber, Default: "Nr. ü"}}
		}, "subject: the default of serial-number has a character"},
		"7 days without CRL": {func(s *pki.Spec) { s.NoCRL, s.Lifetime = true, 7*span.Day }, ""},
		"longer without CRL": {func(s *pki.Spec) { s.NoCRL, s.Lifetime = true, 7*span.Day+span.Of(time.Second) }, "no_crl:"},
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

// Proves BR-04, BR-06.
func TestPublicSpecValidate(t *testing.T) {
	t.Parallel()
	if err := publicSpec().Validate(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*pki.Spec){
		"public: keys of type ed25519":       func(s *pki.Spec) { s.Keys = pki.SubjectKeyTypes() },
		"public: the usages are server-auth": func(s *pki.Spec) { s.Usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth} },
		"public: leave key_usages":           func(s *pki.Spec) { s.KeyUsages = []pki.KeyUsage{pki.DigitalSignature} },
		"public: only control of names":      func(s *pki.Spec) { s.Subject = []pki.Field{{Attribute: pki.Organisation, Default: "A"}} },
		"public: a profile adds no":          func(s *pki.Spec) { s.Extensions = added("1.3.6.1.4.1.99999.2", 5, 0) },
		"public: no_issuer_url":              func(s *pki.Spec) { s.NoIssuerURL = true },
		"public: the policies need":          func(s *pki.Spec) { s.Policies = nil },
		"public: the policies need 2":        func(s *pki.Spec) { s.Policies = append(s.Policies, pki.Policy{OID: "2.23.140.1.2.2"}) },
		"public: no leaf stands for":         func(s *pki.Spec) { s.Policies = append(s.Policies, pki.Policy{OID: "2.5.29.32.0"}) },
		"no_crl: only certificates":          func(s *pki.Spec) { s.NoCRL = true },
	} {
		spec := publicSpec()
		change(&spec)
		if err := spec.Validate(); !fault.Is(err, fault.Malformed) || !strings.HasPrefix(fault.Sentence(err), says) {
			t.Errorf("%v; want %q", err, says)
		}
	}
}

func added(oid string, value ...byte) []pki.Extension {
	return []pki.Extension{{OID: oid, Value: value}}
}

// A change of a copy does not reach what it was made from.
func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("default")
	spec.Extensions = added("1.3.6.1.4.1.99999.2", 5, 0)
	other := spec.Clone()
	other.Keys[0], other.Usages[0], other.Extensions[0].Value[0], other.Extensions[0].OID = pki.Ed25519, pki.ClientAuth, 4, "1.2.3"
	if spec.Keys[0] == pki.Ed25519 || spec.Usages[0] == pki.ClientAuth || spec.Extensions[0].Value[0] == 4 || spec.Extensions[0].OID == "1.2.3" {
		t.Errorf("%+v", spec)
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
