package manage_test

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// nextIssuers calls NextIssuers and wants exactly made successors.
func (i *installation) nextIssuers(t *testing.T, made int) manage.Succession {
	t.Helper()
	result, err := i.NextIssuers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Made) != made {
		t.Errorf("at %s: %d successors made, want %d (warnings %q)", i.Clock.Now().Format(time.DateOnly), len(result.Made), made, result.Warnings)
	}
	return result
}

// lifetime gives a profile a lifetime.
func (i *installation) lifetime(t *testing.T, profile string, life time.Duration) {
	t.Helper()
	_, err := i.SaveProfile(t.Context(), operator, "", profile, func(spec *pki.Spec) error {
		spec.Lifetime = span.Of(life)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSuccessionIsDue looks a second before the moment at which a successor is due, and at it.
func TestSuccessionIsDue(t *testing.T) {
	const life = 1825*day - time.Second // notAfter - notBefore of the first intermediate
	tests := map[string]struct {
		profile   string
		life      time.Duration // of its certificates
		remaining time.Duration // from when on there must be a successor
	}{
		"a third of the life":         {"default", 90 * day, life / 3},
		"twice the longest":           {"default", 365 * day, 730 * day},
		"never in the first third":    {"default", 1500 * day, 2 * life / 3},
		"the longest of all profiles": {"another", 365 * day, 730 * day},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			i := newReady(t)
			i.lifetime(t, test.profile, test.life)
			first := i.issuers(t, manage.Default)[0]
			due := first.NotAfter.Add(-test.remaining)
			i.Clock.Set(due.Truncate(time.Second))
			i.nextIssuers(t, 0)
			i.Clock.Advance(time.Second)
			i.nextIssuers(t, 1)
			i.nextIssuers(t, 0)
		})
	}
}

func TestSuccessor(t *testing.T) {
	i := newReady(t)
	old, err := i.Issuer(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	i.Clock.Set(start.Add(4 * 365 * day))
	made := i.nextIssuers(t, 1).Made[0]
	view, err := i.Issuer(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	if view.ID != made.ID || !view.Signs || view.Key != "default-2" {
		t.Errorf("in service is %s with the key %q, signs %t; made was %s", view.ID, view.Key, view.Signs, made.ID)
	}
	before, after, root := parse(t, old.Certificate), parse(t, made.Certificate), parse(t, view.Chain[1])
	if err := after.CheckSignatureFrom(root); err != nil {
		t.Error(err)
	}
	if got := after.NotAfter.Sub(after.NotBefore) + time.Second; got != 1825*day {
		t.Errorf("the successor lives for %s", got)
	}
	if cmp.Equal(before.RawSubjectPublicKeyInfo, after.RawSubjectPublicKeyInfo) || cmp.Equal(before.RawSubject, after.RawSubject) {
		t.Error("the successor has the key or the subject of the old issuer")
	}
	if name, tagless := after.Subject.CommonName, "Everleaf Issuing "; !strings.HasPrefix(name, tagless) || len(name) != len(tagless)+6 {
		t.Errorf("the successor is called %q", name)
	}
	if certificate := parse(t, i.issue(t, "next.example.com").DER); certificate.CheckSignatureFrom(after) != nil {
		t.Error("new certificates are not signed by the successor")
	}
}

// TestTenYears lets the daily look of ten years pass, a month at a time. As long as nothing is said, the issuer in
// service outlives the longest certificate; then it is said, and no issuer is made any more.
func TestTenYears(t *testing.T) {
	i := newReady(t)
	root := i.issuers(t, manage.Root)[0]
	var warned time.Time
	for ; i.Clock.Now().Before(root.NotAfter.Add(-30 * day)); i.Clock.Advance(30 * day) {
		result, err := i.NextIssuers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		view, err := i.Issuer(t.Context(), manage.Default)
		if err != nil || !view.Signs {
			t.Fatalf("nothing signs at %s (%v)", i.Clock.Now(), err)
		}
		if len(result.Warnings) > 0 && warned.IsZero() {
			warned = i.Clock.Now()
		}
		if warned.IsZero() && view.NotAfter.Sub(i.Clock.Now()) < 90*day {
			t.Fatalf("at %s the issuer ends on %s, and nobody was warned", i.Clock.Now(), view.NotAfter)
		}
		if view.NotAfter.After(root.NotAfter) {
			t.Fatalf("the issuer outlives its root")
		}
	}
	if left := root.NotAfter.Sub(warned); warned.IsZero() || left < 300*day {
		t.Errorf("the end of the root was announced %s before it", left)
	}
	if n := len(i.issuers(t, manage.Default)); n != 3 {
		t.Errorf("%d intermediates in ten years, want 3", n)
	}
}

// Proves BR-20.
func TestSuccessionWarns(t *testing.T) {
	tests := map[string]struct {
		setup func(t *testing.T, i *installation)
		part  string
	}{
		"the root's key is elsewhere": {func(t *testing.T, i *installation) {
			i.bootstrap(t, manage.Setup{PublicURL: publicURL, RootKeyOut: func(crypto.Signer, []byte) error { return nil }})
			i.Clock.Set(start.Add(4 * 365 * day))
		}, "`everleaf ca next default`"},
		"a root signs the leaves": {func(t *testing.T, i *installation) {
			i.bootstrap(t, manage.Setup{PublicURL: publicURL})
			root := newForeign(t, nil, "Old Root", func(c *x509.Certificate) { c.NotAfter = start.Add(10 * day) })
			if _, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Name: "default", Chain: chainOf(root), Key: keyPEM(t, root.key)}); err != nil {
				t.Fatal(err)
			}
		}, "is a root"},
		"the root ends as soon": {func(t *testing.T, i *installation) {
			root := newForeign(t, nil, "Short Root", func(c *x509.Certificate) { c.NotAfter = start.Add(300 * day) })
			i.bootstrap(t, manage.Setup{PublicURL: publicURL, Import: &manage.Import{Chain: chainOf(root), Key: keyPEM(t, root.key)}})
			i.Clock.Set(start.Add(250 * day))
		}, "no successor could last longer"},
		"all have ended": {func(t *testing.T, i *installation) {
			i.bootstrap(t, manage.Setup{PublicURL: publicURL})
			i.Clock.Set(start.Add(11 * 365 * day))
		}, `No issuer named "default" can sign`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			i := newInstallation(t)
			test.setup(t, i)
			warnings := i.nextIssuers(t, 0).Warnings
			if len(warnings) != 1 || !strings.Contains(warnings[0], test.part) {
				t.Errorf("warnings %q; want one with %q", warnings, test.part)
			}
		})
	}
}

// TestOneFailureKeepsNoOtherWaiting takes the key away that would sign the successor of one of two issuers.
func TestOneFailureKeepsNoOtherWaiting(t *testing.T) {
	i := newReady(t)
	lost := newForeign(t, nil, "Lost Root", nil)
	lostView, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Name: "lost", Chain: chainOf(lost), Key: keyPEM(t, lost.key)})
	if err != nil {
		t.Fatal(err)
	}
	below := newForeign(t, lost, "Below", func(c *x509.Certificate) { c.NotAfter = start.Add(950 * day) })
	if _, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Name: "below", Chain: chainOf(below, lost), Key: keyPEM(t, below.key)}); err != nil {
		t.Fatal(err)
	}
	_, err = i.SaveProfile(t.Context(), operator, "", "a-first", func(spec *pki.Spec) error { spec.Issuer = "below"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Installation.Keys.Delete(lostView.Key); err != nil {
		t.Fatal(err)
	}
	i.lifetime(t, manage.Default, 1500*day)
	i.Clock.Set(start.Add(700 * day))
	result, err := i.NextIssuers(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the successor of the issuer below") {
		t.Errorf("error %v; want one that names the issuer", err)
	}
	if len(result.Made) != 1 || result.Made[0].Name != manage.Default {
		t.Errorf("made %+v; want the successor of the issuer default", result.Made)
	}
}

func TestNextIssuerByHand(t *testing.T) {
	i := newInstallation(t)
	var rootKey crypto.Signer
	i.bootstrap(t, manage.Setup{PublicURL: publicURL, KeyType: pki.ECDSAP384, RootKeyOut: func(key crypto.Signer, _ []byte) error {
		rootKey = key
		return nil
	}})
	_, err := i.NextIssuer(t.Context(), operator, manage.Default, manage.ParentKey{})
	expect(t, err, fault.Conflict, "is not on this machine")
	_, err = i.NextIssuer(t.Context(), operator, manage.Default, manage.ParentKey{PEM: keyPEM(t, newKey(t))})
	expect(t, err, fault.Malformed, "does not belong to the parent")
	_, err = i.NextIssuer(t.Context(), operator, manage.Default, manage.ParentKey{PEM: []byte("no key")})
	expect(t, err, fault.Malformed, "private key cannot be used")
	_, err = i.NextIssuer(t.Context(), operator, manage.Root, manage.ParentKey{})
	expect(t, err, fault.Conflict, "is a root")
	_, err = i.NextIssuer(t.Context(), operator, "nobody", manage.ParentKey{})
	expect(t, err, fault.NotFound, "there are: default, root")

	next, err := i.NextIssuer(t.Context(), operator, manage.Default, manage.ParentKey{PEM: encrypted(t, rootKey, "secret"), Passphrase: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	certificate := parse(t, next.Certificate)
	if !next.Signs || next.Key != "default-2" || pki.KeyTypeOf(certificate.PublicKey) != pki.ECDSAP384 {
		t.Errorf("the next issuer signs: %t, has the key %q of type %s", next.Signs, next.Key, pki.KeyTypeOf(certificate.PublicKey))
	}
	if names, err := i.Installation.Keys.Names(); err != nil || !cmp.Equal(names, []string{"default-1", "default-2"}) {
		t.Errorf("the keyring holds %q (%v); the root's key must not be kept", names, err)
	}
	i.Clock.Set(start.Add(11 * 365 * day))
	for _, brought := range []manage.ParentKey{{}, {PEM: keyPEM(t, rootKey)}} {
		_, err = i.NextIssuer(t.Context(), operator, manage.Default, brought)
		expect(t, err, fault.Conflict, "has expired, and can sign nothing")
	}
}

func TestMissingKeys(t *testing.T) {
	i := newReady(t)
	if missing, err := i.MissingKeys(t.Context()); err != nil || len(missing) != 0 {
		t.Fatalf("missing %v (%v)", missing, err)
	}
	if err := i.Installation.Keys.Delete("default-1"); err != nil {
		t.Fatal(err)
	}
	missing, err := i.MissingKeys(t.Context())
	if err != nil || len(missing) != 1 || missing[0].Key != "default-1" {
		t.Fatalf("missing %v (%v); want the issuer default", missing, err)
	}
	i.Clock.Set(missing[0].NotAfter)
	if missing, err = i.MissingKeys(t.Context()); err != nil || len(missing) != 0 {
		t.Errorf("the key of an expired issuer is missed: %v (%v)", missing, err)
	}
}

func TestSetPublicURL(t *testing.T) {
	i := newReady(t)
	before := i.issuers(t, manage.Default)[0]
	for range 2 {
		if err := i.SetPublicURL(t.Context(), "https://lists.example.test/pki/"); err != nil {
			t.Fatal(err)
		}
	}
	after := i.issuers(t, manage.Default)[0]
	want := pki.Shard{Number: 2, URL: fmt.Sprintf("https://lists.example.test/pki/crl/%s/2.crl", before.ID)}
	if after.Shard != want {
		t.Errorf("new certificates join %+v, want %+v", after.Shard, want)
	}
	if got := parse(t, i.issue(t, "moved.example.com").DER).CRLDistributionPoints; !cmp.Equal(got, []string{want.URL}) {
		t.Errorf("a new certificate names %q", got)
	}
	if base, err := i.PublicURL(t.Context()); err != nil || base != "https://lists.example.test/pki" {
		t.Errorf("the public URL is %q (%v)", base, err)
	}
	expect(t, i.SetPublicURL(t.Context(), "lists.example.test"), fault.Malformed, "no base URL")
}
