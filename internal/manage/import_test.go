package manage_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring/pbes2"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// foreign is a CA that was made elsewhere.
type foreign struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// newForeign makes a CA below the given one; nil makes a root. change edits the template.
func newForeign(t *testing.T, above *foreign, name string, change func(*x509.Certificate)) *foreign {
	t.Helper()
	f := &foreign{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"ACME Corp"}},
		NotBefore: start.Add(-100 * day), NotAfter: start.Add(1000 * day), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if change != nil {
		change(template)
	}
	signer, key := template, f.key
	if above != nil {
		signer, key = above.certificate, above.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, f.key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f.certificate = parse(t, der)
	return f
}

// chainOf returns the chain of CAs in PEM.
func chainOf(cas ...*foreign) []byte {
	var ders [][]byte
	for _, f := range cas {
		ders = append(ders, f.certificate.Raw)
	}
	return certificatePEM(ders...)
}

func TestSetupWithImportedRoot(t *testing.T) {
	i := newInstallation(t)
	root := newForeign(t, nil, "ACME Corp Root", nil)
	result := i.bootstrap(t, manage.Setup{PublicURL: publicURL, Import: &manage.Import{
		Chain: chainOf(root), Key: encrypted(t, root.key, "open sesame"), Passphrase: []byte("open sesame"),
	}})
	if diff := cmp.Diff(root.certificate.Raw, result.Root.Certificate); diff != "" || result.Root.Name != manage.Root {
		t.Errorf("root named %q (-imported +stored):\n%s", result.Root.Name, diff)
	}
	issuer := parse(t, result.Issuer.Certificate)
	if err := issuer.CheckSignatureFrom(root.certificate); err != nil {
		t.Error(err)
	}
	if !issuer.NotAfter.Equal(root.certificate.NotAfter) {
		t.Errorf("the intermediate ends at %s, its root at %s", issuer.NotAfter, root.certificate.NotAfter)
	}
	i.issue(t, "imported.example.com")
}

func TestSetupWithImportedIntermediate(t *testing.T) {
	i := newInstallation(t)
	root := newForeign(t, nil, "ACME Corp Root", nil)
	middle := newForeign(t, root, "ACME Corp Policy", nil)
	lowest := newForeign(t, middle, "ACME Corp Issuing", nil)
	setup := manage.Setup{PublicURL: publicURL, Import: &manage.Import{Chain: chainOf(lowest, middle, root), Key: keyPEM(t, lowest.key)}}
	result := i.bootstrap(t, setup)

	if diff := cmp.Diff(lowest.certificate.Raw, result.Issuer.Certificate); diff != "" {
		t.Errorf("issuer (-imported +in service):\n%s", diff)
	}
	if diff := cmp.Diff(root.certificate.Raw, result.Root.Certificate); diff != "" || result.Root.Key != "" {
		t.Errorf("root with key %q (-imported +stored):\n%s", result.Root.Key, diff)
	}
	view, err := i.Issuer(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{lowest.certificate.Raw, middle.certificate.Raw, root.certificate.Raw}
	if diff := cmp.Diff(want, view.Chain); diff != "" || !view.Signs {
		t.Errorf("signs %t, chain (-want +got):\n%s", view.Signs, diff)
	}
	i.issue(t, "imported.example.com")
}

// What succeeds an imported issuer stands for the same policies; one that stands for every policy is none of a public CA.
func TestTheSuccessorOfAnImportedIssuerHasItsPolicies(t *testing.T) {
	i := newReady(t)
	root := newForeign(t, nil, "ACME Corp Root", nil)
	for name, text := range map[string]string{"any": "2.5.29.32.0", "own": "1.3.6.1.4.1.99999.1"} {
		policy, err := x509.ParseOID(text)
		if err != nil {
			t.Fatal(err)
		}
		issuing := newForeign(t, root, "ACME Corp "+name, func(c *x509.Certificate) { c.Policies = []x509.OID{policy} })
		if _, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Name: name, Chain: chainOf(issuing, root), Key: keyPEM(t, issuing.key)}); err != nil {
			t.Fatal(err)
		}
		next, err := i.NextIssuer(t.Context(), operator, name, manage.ParentKey{PEM: keyPEM(t, root.key)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c := parse(t, next.Certificate); len(c.Policies) != 1 || !c.Policies[0].Equal(policy) {
			t.Errorf("%s: the successor has the policies %v", name, c.Policies)
		}
	}
}

// encrypted returns the key as openssl writes it with a passphrase.
func encrypted(t *testing.T, key crypto.Signer, passphrase string) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := pbes2.Encrypt(der, []byte(passphrase), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: sealed})
}

func TestImportIssuer(t *testing.T) {
	i := newReady(t)
	root := newForeign(t, nil, "ACME Corp Root", nil)
	first, second := newForeign(t, root, "ACME Corp Issuing 1", nil), newForeign(t, root, "ACME Corp Issuing 2", nil)
	for n, f := range []*foreign{first, second} {
		view, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Name: manage.Default, Chain: chainOf(f, root), Key: keyPEM(t, f.key)})
		if err != nil {
			t.Fatal(err)
		}
		if !view.Signs || view.Name != manage.Default {
			t.Errorf("import %d: named %q, signs %t; the newest of a name signs", n, view.Name, view.Signs)
		}
		if stored, err := i.Installation.Keys.Load(view.Key); err != nil || !f.key.PublicKey.Equal(stored.Public()) {
			t.Errorf("import %d: the keyring has another key under %q (%v)", n, view.Key, err)
		}
	}
	if roots := i.issuers(t, manage.Root); len(roots) != 2 {
		t.Errorf("%d roots; the imported one must be stored once, beside the own one", len(roots))
	}
	if view, err := i.Issuer(t.Context(), manage.Root); err != nil || view.Key != "root-1" {
		t.Errorf("by its name the root with the key %q is found (%v); want the one that signs, though another is newer", view.Key, err)
	}
}

// TestImportStopped stops an import between the key and the issuer: the next one finds the key and finishes.
func TestImportStopped(t *testing.T) {
	i := newReady(t)
	root := newForeign(t, nil, "ACME Corp Root", nil)
	issuer := newForeign(t, root, "ACME Corp Issuing", nil)
	in := manage.Import{Chain: chainOf(issuer, root), Key: keyPEM(t, issuer.key)}
	const issuerWrite = 2
	if _, err := i.on(&stopped{i.Store, false, issuerWrite}).ImportIssuer(t.Context(), operator, "", in); !errors.Is(err, errStopped) {
		t.Fatal(err)
	}
	view, err := i.ImportIssuer(t.Context(), operator, "", in)
	if err != nil || !view.Signs || len(view.Chain) != 2 {
		t.Errorf("the second import signs: %t, with a chain of %d (%v)", view.Signs, len(view.Chain), err)
	}
	if names, err := i.Installation.Keys.Names(); err != nil || len(names) != 3 {
		t.Errorf("the keyring holds %q (%v)", names, err)
	}
	if n := len(i.issuers(t, manage.Root)); n != 2 {
		t.Errorf("%d roots, want the own and the imported one", n)
	}
}

// A setup that is refused makes nothing, and can be judged before there is a database.
func TestSetupWithARootThatCanHaveNoIssuer(t *testing.T) {
	i := newInstallation(t)
	root := newForeign(t, nil, "Root", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	setup := manage.Setup{PublicURL: publicURL, Import: &manage.Import{Chain: chainOf(root), Key: keyPEM(t, root.key)}}
	const says = "Its basicConstraints has a pathLenConstraint of 0; the number of CA certificates below it would be 1."
	_, err := i.Bootstrap(t.Context(), setup)
	expect(t, err, fault.Malformed, says)
	expect(t, setup.Check(keyring.ParsePrivateKey, start), fault.Malformed, says)
	names, err := i.Installation.Keys.Names()
	if err != nil || len(names) > 0 || len(i.issuers(t, "")) > 0 {
		t.Errorf("the refusal left the keys %q (%v) and %d issuers", names, err, len(i.issuers(t, "")))
	}
	if all, err := i.Organisations(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("the refusal left %d organisations (%v)", len(all), err)
	}
	if base, err := i.PublicURL(t.Context()); err == nil && base != "" {
		t.Errorf("the refusal left the public URL %q", base)
	}
	root = newForeign(t, nil, "Root", nil)
	setup.Import = &manage.Import{Chain: chainOf(root), Key: keyPEM(t, root.key)}
	if err := setup.Check(keyring.ParsePrivateKey, start); err != nil {
		t.Errorf("a sound root: %v", err)
	}
	setup.Import.Chain = chainOf(newForeign(t, root, "Issuing", func(c *x509.Certificate) { c.MaxPathLenZero = true }))
	if err := setup.Check(keyring.ParsePrivateKey, start); err == nil || strings.Contains(err.Error(), "pathLenConstraint") || !strings.Contains(err.Error(), "The root is not given") {
		t.Errorf("an issuer without its root, which gets none below it: %v", err)
	}
	setup.PublicURL = ""
	expect(t, setup.Check(keyring.ParsePrivateKey, start), fault.Malformed, "URL")
}

func TestImportRefuses(t *testing.T) {
	i := newReady(t)
	root := newForeign(t, nil, "Root", nil)
	other := newForeign(t, nil, "Other Root", nil)
	good := newForeign(t, root, "Issuing", nil)
	leaf := newForeign(t, root, "Leaf", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	expired := newForeign(t, root, "Expired", func(c *x509.Certificate) { c.NotAfter = start.Add(-time.Second) })
	known := newForeign(t, root, "Known", nil)
	key := func(f *foreign) []byte { return keyPEM(t, f.key) }
	if _, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Name: "known", Chain: chainOf(known, root), Key: key(known)}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		in   manage.Import
		kind fault.Kind
		part string
	}{
		"no chain":          {manage.Import{Key: key(good)}, fault.Malformed, "no certificate in PEM"},
		"a key in it":       {manage.Import{Chain: append(chainOf(good), key(good)...), Key: key(good)}, fault.Malformed, `type "PRIVATE KEY"`},
		"garbage in it":     {manage.Import{Chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}), Key: key(good)}, fault.Malformed, "Certificate 1 of the chain cannot be read"},
		"too long":          {manage.Import{Chain: []byte(strings.Repeat("x", 1<<20)), Key: key(good)}, fault.Malformed, "too much"},
		"too many":          {manage.Import{Chain: chainOf(good, root, root, root, root, root, root, root, root), Key: key(good)}, fault.Malformed, "9 certificates"},
		"no key":            {manage.Import{Chain: chainOf(good, root)}, fault.Malformed, "private key cannot be used"},
		"another key":       {manage.Import{Chain: chainOf(good, root), Key: key(other)}, fault.Malformed, "The private key does not belong to the certificate."},
		"the root's key":    {manage.Import{Chain: chainOf(good, root), Key: key(root)}, fault.Malformed, `but to number 2, "CN=Root,O=ACME Corp"`},
		"the other order":   {manage.Import{Chain: chainOf(root, good), Key: key(good)}, fault.Malformed, `but to number 2, "CN=Issuing,O=ACME Corp"`},
		"no root":           {manage.Import{Chain: chainOf(good), Key: key(good)}, fault.Malformed, `The root is not given: add the certificate of "CN=Root,O=ACME Corp"`},
		"another root":      {manage.Import{Chain: chainOf(good, other), Key: key(good)}, fault.Malformed, `It was signed by "CN=Root,O=ACME Corp", and the certificate after it is that of "CN=Other Root,O=ACME Corp".`},
		"a leaf":            {manage.Import{Chain: chainOf(leaf, root), Key: key(leaf)}, fault.Malformed, "Its basicConstraints lacks cA"},
		"expired":           {manage.Import{Chain: chainOf(expired, root), Key: key(expired)}, fault.Malformed, "expired"},
		"a name for no URL": {manage.Import{Name: "Über", Chain: chainOf(good, root), Key: key(good)}, fault.Malformed, "cannot be the name of an issuer"},
		"here already":      {manage.Import{Name: "other", Chain: chainOf(known, root), Key: key(known)}, fault.Conflict, `named "known"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, _ := i.Installation.Keys.Names()
			rows := i.issuers(t, "")
			_, err := i.ImportIssuer(t.Context(), operator, "", test.in)
			expect(t, err, test.kind, test.part)
			if after, _ := i.Installation.Keys.Names(); !cmp.Equal(before, after) {
				t.Errorf("the keyring held %q, and after the refusal %q", before, after)
			}
			if diff := cmp.Diff(rows, i.issuers(t, "")); diff != "" {
				t.Errorf("the refusal left rows:\n%s", diff)
			}
		})
	}
	_, err := i.ImportIssuer(t.Context(), operator, "nowhere", manage.Import{})
	expect(t, err, fault.NotFound, "there are: default")
}
