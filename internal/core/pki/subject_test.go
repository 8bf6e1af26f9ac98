package pki_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The CSR decides what the profile lets it decide, and nothing else.
func TestDecideSubject(t *testing.T) {
	t.Parallel()
	field := func(kind pki.AttributeType, text string, required, modifiable bool) pki.Field {
		return pki.Field{Attribute: kind, Default: text, Required: required, Modifiable: modifiable}
	}
	for name, c := range map[string]struct {
		fields []pki.Field
		csr    []pki.Attribute
		want   []pki.Attribute
		says   string
	}{
		"no fields":           {nil, []pki.Attribute{{Type: pki.Organisation, Value: "Evil"}}, nil, ""},
		"fixed":               {[]pki.Field{field(pki.Organisation, "Good", false, false)}, []pki.Attribute{{Type: pki.Organisation, Value: "Evil"}}, []pki.Attribute{{Type: pki.Organisation, Value: "Good"}}, ""},
		"modifiable":          {[]pki.Field{field(pki.Organisation, "Good", false, true)}, []pki.Attribute{{Type: pki.Organisation, Value: "Other"}}, []pki.Attribute{{Type: pki.Organisation, Value: "Other"}}, ""},
		"default":             {[]pki.Field{field(pki.Organisation, "Good", false, true)}, nil, []pki.Attribute{{Type: pki.Organisation, Value: "Good"}}, ""},
		"optional":            {[]pki.Field{field(pki.Unit, "", false, true)}, nil, nil, ""},
		"required":            {[]pki.Field{field(pki.Unit, "", true, true)}, nil, nil, "has no unit, and this profile needs one"},
		"twice":               {[]pki.Field{field(pki.Unit, "", false, true)}, []pki.Attribute{{Type: pki.Unit, Value: "a"}, {Type: pki.Unit, Value: "b"}}, nil, "more than one unit"},
		"twice and not asked": {nil, []pki.Attribute{{Type: pki.Unit, Value: "a"}, {Type: pki.Unit, Value: "b"}}, nil, ""},
		"too long":            {[]pki.Field{field(pki.Organisation, "", false, true)}, []pki.Attribute{{Type: pki.Organisation, Value: strings.Repeat("ü", 65)}}, nil, "longer than 64 characters"},
		"control character":   {[]pki.Field{field(pki.Organisation, "", false, true)}, []pki.Attribute{{Type: pki.Organisation, Value: "a\x00b"}}, nil, "none of a line of text"},
		"a space around it":   {[]pki.Field{field(pki.Organisation, "", false, true)}, []pki.Attribute{{Type: pki.Organisation, Value: "a "}}, nil, "with a space"},
		"nothing said":        {[]pki.Field{field(pki.Organisation, "", false, true)}, []pki.Attribute{{Type: pki.Organisation, Value: "-"}}, nil, "neither a letter nor a digit"},
		"country in words":    {[]pki.Field{field(pki.Country, "", false, true)}, []pki.Attribute{{Type: pki.Country, Value: "Germany"}}, nil, "longer than 2"},
		"country in small":    {[]pki.Field{field(pki.Country, "", false, true)}, []pki.Attribute{{Type: pki.Country, Value: "de"}}, nil, "capital letters"},
		"sorted": {
			[]pki.Field{field(pki.SerialNumber, "7", false, false), field(pki.Organisation, "O", false, false), field(pki.Country, "DE", false, false), field(pki.State, "S", false, false)},
			nil,
			[]pki.Attribute{{Type: pki.Country, Value: "DE"}, {Type: pki.State, Value: "S"}, {Type: pki.Organisation, Value: "O"}, {Type: pki.SerialNumber, Value: "7"}},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := pki.DefaultSpec("default")
			spec.Subject = c.fields
			got, err := spec.DecideSubject(&pki.CSR{Subject: c.csr})
			if c.says != "" {
				if !fault.Is(err, fault.BadCSR) || !strings.Contains(fault.Sentence(err), c.says) {
					t.Errorf("%v; want %q", err, c.says)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v (%v); want %v", got, err, c.want)
			}
			if !spec.AllowsSubject(got) {
				t.Error("the profile does not allow what it decided")
			}
		})
	}
}

// What a CSR says of its subject is read, the common name aside.
func TestSubjectOfACSR(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	csr, err := pki.ParseCSR(opensslCSR(t, key, "C=DE\nO=Grüne Gärten\nemailAddress=a@example.com\nCN=shop.example.com", "", "-utf8"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []pki.Attribute{{Type: pki.Country, Value: "DE"}, {Type: pki.Organisation, Value: "Grüne Gärten"}}; !slices.Equal(csr.Subject, want) {
		t.Errorf("%v, want %v", csr.Subject, want)
	}
}

// The sequence of the parts and the types of their strings, as octets: the country first, the common name after the
// unit, "*" in UTF8String.
// Proves INC-4, INC-29.
func TestSubjectIsEncodedInOneWay(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("default")
	spec.CommonName = true
	request := pki.Request{
		Spec: spec, Names: []ident.Identifier{parseIdent(t, "*.example.com")}, PublicKey: newECDSA(t, elliptic.P256()).Public(), Serial: "4a0b",
		Subject: []pki.Attribute{{Type: pki.Unit, Value: "IT"}, {Type: pki.Organisation, Value: "Gärten"}, {Type: pki.Country, Value: "DE"}},
	}
	template, err := request.Template()
	if err != nil {
		t.Fatal(err)
	}
	const want = "3044" +
		"310b3009" + "0603550406" + "13024445" +
		"3110300e" + "060355040a" + "0c0747c3a47274656e" +
		"310b3009" + "060355040b" + "13024954" +
		"31163014" + "0603550403" + "0c0d2a2e6578616d706c652e636f6d"
	if got := hex.EncodeToString(template.RawSubject); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A subject that the profile cannot have given is none of its.
func TestAllowsSubject(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("default")
	spec.Subject = []pki.Field{{Attribute: pki.Organisation, Default: "Good"}, {Attribute: pki.Unit, Modifiable: true, Required: true}}
	good := []pki.Attribute{{Type: pki.Organisation, Value: "Good"}, {Type: pki.Unit, Value: "anything"}}
	if !spec.AllowsSubject(good) {
		t.Error("refused")
	}
	for name, subject := range map[string][]pki.Attribute{
		"another value":  {{Type: pki.Organisation, Value: "Evil"}, good[1]},
		"default lacks":  {good[1]},
		"required lacks": {good[0]},
		"one more":       {good[0], good[1], {Type: pki.Country, Value: "DE"}},
		"impossible":     {good[0], {Type: pki.Unit, Value: " "}},
	} {
		if spec.AllowsSubject(subject) {
			t.Errorf("%s: let through", name)
		}
	}
	if got := pki.SubjectOf(&x509.Certificate{}); got != nil {
		t.Errorf("an empty subject has %v", got)
	}
}
