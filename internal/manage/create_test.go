package manage_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// An issuer below another one has the limits that were asked for, and its successor has them too.
// Proves INC-93.
func TestCreateIssuerWithLimits(t *testing.T) {
	i := newReady(t)
	made, err := i.CreateIssuer(t.Context(), operator, manage.NewIssuer{
		Name: "shops", Parent: manage.Root, KeyType: pki.ECDSAP384, CommonName: "Shops", Usages: []pki.Usage{pki.ServerAuth, "1.3.6.1.5.5.7.3.17"},
		Constraints: pki.Constraints{PermittedNames: []string{"shops.example.com"}, ExcludedNames: []string{"secret.shops.example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	next, err := i.NextIssuer(t.Context(), operator, "shops", manage.ParentKey{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []manage.IssuerView{made, next} {
		c := parse(t, one.Certificate)
		want := pki.Constraints{
			PermittedNames: []string{"shops.example.com"}, ExcludedNames: []string{"secret.shops.example.com"},
			ExcludedNetworks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		}
		if got := pki.ConstraintsOf(c); !got.Equal(want) {
			t.Errorf("constraints %+v", got)
		}
		if got := pki.UsagesOf(c); !slices.Equal(got, []pki.Usage{pki.ServerAuth, "1.3.6.1.5.5.7.3.17"}) {
			t.Errorf("usages %v", got)
		}
		for name, permitted := range map[string]bool{"a.shops.example.com": true, "example.com": false, "x.secret.shops.example.com": false, "*.shops.example.com": false} {
			if pki.Permits(c, mustDNS(t, name)) != permitted {
				t.Errorf("%s: %t", name, !permitted)
			}
		}
		if pki.KeyTypeOf(c.PublicKey) != pki.ECDSAP384 || c.MaxPathLen != 0 || !c.MaxPathLenZero || len(one.Chain) != 2 || !one.Signs && one.ID == next.ID {
			t.Errorf("%+v", one.Issuer)
		}
	}
}

// A public issuer has what the CA/Browser Forum wants of it, and only such a one serves a public profile.
// Proves INC-11.
// A name that two organisations have names neither: what is done to an issuer cannot be undone.
func TestAnIssuerNameOfSeveralOrganisations(t *testing.T) {
	i := newReady(t)
	if _, err := i.CreateOrganisation(t.Context(), operator, "retail"); err != nil {
		t.Fatal(err)
	}
	made, err := i.CreateIssuer(t.Context(), operator, manage.NewIssuer{Name: manage.Default, Organisation: "retail", Parent: manage.Root})
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Issuer(t.Context(), manage.Default)
	expect(t, err, fault.Malformed, made.ID+" of retail, ")
	if got, err := i.Issuer(t.Context(), made.ID); err != nil || got.ID != made.ID {
		t.Errorf("by its id: %s (%v)", got.ID, err)
	}
}

func TestCreatePublicIssuer(t *testing.T) {
	i := newReady(t)
	public := func(s *pki.Spec) error {
		s.Public, s.Keys, s.Policies = true, []pki.KeyType{pki.ECDSAP256}, []pki.Policy{{OID: pki.PolicyDomainValidated}}
		return nil
	}
	_, err := i.SaveProfile(t.Context(), operator, "", "web", public)
	expect(t, err, fault.Malformed, "does not have the policy 2.23.140.1.2.1; make an issuer for public profiles")
	_, err = i.CreateIssuer(t.Context(), operator, manage.NewIssuer{Name: "web", Parent: manage.Root, Public: true})
	expect(t, err, fault.Malformed, "has a country and an organisation")
	_, err = i.CreateIssuer(t.Context(), operator, manage.NewIssuer{Name: "web", Parent: manage.Root, Public: true, Country: "DE", Usages: []pki.Usage{pki.ServerAuth, pki.ClientAuth}})
	expect(t, err, fault.Malformed, "public: the usages are server-auth and nothing else")
	made, err := i.CreateIssuer(t.Context(), operator, manage.NewIssuer{Name: "web", Parent: manage.Root, Public: true, Country: "DE"})
	if err != nil {
		t.Fatal(err)
	}
	if next, err := i.NextIssuer(t.Context(), operator, made.ID, manage.ParentKey{}); err != nil || !pki.PermitsPolicy(parse(t, next.Certificate), pki.PolicyDomainValidated) {
		t.Errorf("the successor is not public: %v", err)
	}
	_, err = i.SaveProfile(t.Context(), operator, "", "web", func(s *pki.Spec) error {
		s.Issuer = "web"
		return public(s)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCreateIssuerRefuses(t *testing.T) {
	i := newReady(t)
	for _, c := range []struct {
		ask  manage.NewIssuer
		kind fault.Kind
		says string
	}{
		{manage.NewIssuer{Name: "Shops", Parent: manage.Root}, fault.Malformed, "cannot be the name of an issuer"},
		{manage.NewIssuer{Name: "shops", Parent: "none"}, fault.NotFound, "there are: default, root"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, Organisation: "none"}, fault.NotFound, "organisation"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Default}, fault.Conflict, "may sign no CA: its path length is 0"},
		{manage.NewIssuer{Name: manage.Default, Parent: manage.Root}, fault.Conflict, "There is an issuer named default already"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, KeyType: "dsa"}, fault.Malformed, `"dsa" is none of`},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, CommonName: "a\nb"}, fault.Malformed, "common name: write one line"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, Country: "de"}, fault.Malformed, "country:"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, Usages: []pki.Usage{"2.5.29.37.0"}}, fault.Malformed, "usages: no leaf may have"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, Constraints: pki.Constraints{PermittedNames: []string{"*.example.com"}}}, fault.Malformed, "permitted names:"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, Constraints: pki.Constraints{ExcludedNetworks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/8")}}}, fault.Malformed, "excluded networks:"},
		{manage.NewIssuer{Name: "shops", Parent: manage.Root, ParentKey: manage.ParentKey{PEM: keyPEM(t, newKey(t))}}, fault.Malformed, "does not belong to the parent"},
	} {
		_, err := i.CreateIssuer(t.Context(), operator, c.ask)
		expect(t, err, c.kind, c.says)
	}
	if n := len(i.issuers(t, "")); n != 2 {
		t.Errorf("there are %d issuers", n)
	}
}

// A cross-certificate has the name, the key and the key identifier of the CA, a usage even where that one is a root
// without, and no CA vouches for itself.
// Proves INC-11.
func TestCrossSign(t *testing.T) {
	i := newReady(t)
	other := newReady(t) // a second root, brought with its key
	key, err := other.Keys.Load(other.issuers(t, manage.Root)[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.ImportIssuer(t.Context(), operator, "", manage.Import{
		Name: "old-root", Chain: certificatePEM(other.issuers(t, manage.Root)[0].Certificate), Key: keyPEM(t, key),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{manage.Root, manage.Default} {
		own := parse(t, i.issuers(t, name)[0].Certificate)
		made, err := i.CrossSign(t.Context(), operator, name, manage.Cross{By: "old-root"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := parse(t, made.Certificate)
		if made.Name != name+"-cross" || made.Key != "" || made.Signs || c.Subject.String() != own.Subject.String() ||
			string(c.SubjectKeyId) != string(own.SubjectKeyId) || string(c.RawSubjectPublicKeyInfo) != string(own.RawSubjectPublicKeyInfo) ||
			c.MaxPathLen != own.MaxPathLen || !slices.Contains(pki.UsagesOf(c), pki.ServerAuth) {
			t.Errorf("%s: %s, usages %v, path length %d", name, c.Subject, pki.UsagesOf(c), c.MaxPathLen)
		}
		if err := c.CheckSignatureFrom(parse(t, other.issuers(t, manage.Root)[0].Certificate)); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		subject, by string
		kind        fault.Kind
		says        string
	}{
		{"none", "old-root", fault.NotFound, "there are:"},
		{manage.Root, "none", fault.NotFound, "there are:"},
		{manage.Root, manage.Root, fault.Malformed, "is the CA itself or stands below it"},
		{manage.Root, manage.Default, fault.Malformed, "is the CA itself or stands below it"},
	} {
		_, err := i.CrossSign(t.Context(), operator, c.subject, manage.Cross{By: c.by})
		expect(t, err, c.kind, c.says)
	}
	_, err = i.NextIssuer(t.Context(), operator, "default-cross", manage.ParentKey{})
	expect(t, err, fault.Conflict, "does not sign here")
}

// A cross-certificate that was made elsewhere is for a CA that is here, comes with its chain, and comes once.
func TestImportCross(t *testing.T) {
	i, other := newReady(t), newReady(t)
	root := i.issuers(t, manage.Root)[0]
	key, err := i.Keys.Load(root.Key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.ImportIssuer(t.Context(), operator, "", manage.Import{Name: "new-root", Chain: certificatePEM(root.Certificate), Key: keyPEM(t, key)})
	if err != nil {
		t.Fatal(err)
	}
	cross, err := other.CrossSign(t.Context(), operator, "new-root", manage.Cross{By: manage.Root})
	if err != nil {
		t.Fatal(err)
	}
	made, err := i.ImportCross(t.Context(), operator, "", certificatePEM(cross.Chain...))
	if err != nil || made.Name != "root-cross" || made.Signs || len(made.Chain) != 2 {
		t.Errorf("%+v (%v)", made, err)
	}
	_, err = i.ImportCross(t.Context(), operator, "", certificatePEM(cross.Chain...))
	expect(t, err, fault.Conflict, "is here already")
	_, err = i.ImportCross(t.Context(), operator, "", certificatePEM(other.issuers(t, manage.Default)[0].Certificate))
	expect(t, err, fault.NotFound, "a cross-certificate is another certificate of one that is here")
	_, err = i.ImportCross(t.Context(), operator, "", certificatePEM(cross.Certificate))
	if err == nil {
		t.Error("a cross-certificate without its root, and once more")
	}
}
