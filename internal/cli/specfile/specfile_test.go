package specfile

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

const whole = `# a profile of a company
description: Servers of the shop
issuer: shop
lifetime: 90d
keys: [ecdsa-p256, rsa]
usages:
  - server-auth
  - 1.3.6.1.5.5.7.3.17
key_usages: [digital-signature]
common_name: true
lifetimes:
  - from: 2027-03-15
    lifetime: 47d
subject:
  - attribute: organisation
    default: Example GmbH
    modifiable: true
    required: true
names: [.shop.example.com]
policies:
  - oid: 1.3.6.1.4.1.99999.1
    cps: https://pki.example.com/cps
extensions:
  - oid: 1.3.6.1.4.1.99999.2
    critical: false
    value: BAEB
no_issuer_url: true
`

func want() pki.Spec {
	return pki.Spec{
		Description: "Servers of the shop", Issuer: "shop", Lifetime: 90 * span.Day, Backdate: span.Of(time.Hour),
		Keys: []pki.KeyType{pki.ECDSAP256, pki.RSA}, Usages: []pki.Usage{pki.ServerAuth, "1.3.6.1.5.5.7.3.17"}, CommonName: true,
		Lifetimes: []pki.Lifetime{{From: "2027-03-15", Lifetime: 47 * span.Day}}, KeyUsages: []pki.KeyUsage{pki.DigitalSignature},
		Subject:  []pki.Field{{Attribute: pki.Organisation, Default: "Example GmbH", Required: true, Modifiable: true}},
		Names:    []string{".shop.example.com"},
		Policies: []pki.Policy{{OID: "1.3.6.1.4.1.99999.1", CPS: "https://pki.example.com/cps"}}, NoIssuerURL: true,
		Extensions: []pki.Extension{{OID: "1.3.6.1.4.1.99999.2", Value: []byte{4, 1, 1}}},
	}
}

// What is shown can be given again, in YAML and in JSON, and makes every part of the profile what the file says.
func TestReadAndWhole(t *testing.T) {
	spec, err := Read([]byte(whole))
	if err != nil || !reflect.DeepEqual(spec, want()) {
		t.Errorf("%+v\n%v", spec, err)
	}
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
	shown, err := adminapi.Encode(adminapi.Profile{Name: "shop", Version: 3, Spec: want()})
	if err != nil {
		t.Fatal(err)
	}
	if spec, err = Read(shown); err != nil || !reflect.DeepEqual(spec, want()) {
		t.Errorf("%+v\n%v", spec, err)
	}
	other := pki.ShortLivedSpec("other")
	if err := adminapi.Apply(Whole(spec), &other); err != nil || !reflect.DeepEqual(other, want()) {
		t.Errorf("%+v\n%v", other, err)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"":                                       "holds no profile",
		"- a":                                    "holds no profile",
		"issuer: a\n---\nissuer: b":              "more than one profile",
		"life-time: 90d":                         "line 1: a profile has no life-time; did you mean lifetime?",
		"issuer: a\nsubject:\n - attribut: unit": "line 3: a profile has no subject.attribut; did you mean attribute?",
		"colour: red":                            "a profile has no colour; there are: backdate,",
		"issuer: a\nissuer: b":                   "twice",
		"issuer:":                                "line 1: the value is missing",
		"lifetime: soon":                         "lifetime",
		"common_name: maybe":                     "common_name",
		"keys: rsa":                              "keys",
		"issuer: &a b\ndescription: *a":          "without anchors",
		strings.Repeat("# long\n", 200_000):      "longer than",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v; want %q", text, err, says)
		}
	}
}

// Whatever is read is a profile or an error.
func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"spec": {"issuer": "a"}}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if spec, err := Read(text); err == nil {
			_ = spec.Validate()
		}
	})
}
