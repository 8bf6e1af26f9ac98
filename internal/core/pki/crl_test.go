package pki_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// listCA is a CA that signs whatever a test wants.
type listCA struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newListCA(t *testing.T, name string) listCA {
	t.Helper()
	key := newECDSA(t, elliptic.P256())
	request := pki.CARequest{CommonName: name, PublicKey: key.Public(), Serial: "4a0b", NotBefore: noon, NotAfter: noon.Add(365 * day)}
	template, err := request.Root()
	if err != nil {
		t.Fatal(err)
	}
	return listCA{selfSigned(t, template, key), key}
}

func selfSigned(t *testing.T, template *x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.Helper()
	return signed(t, template, template, key.Public(), key)
}

func signed(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func (ca listCA) sign(t *testing.T, request pki.CRLRequest, change func(*x509.RevocationList)) []byte {
	t.Helper()
	template, err := request.Template()
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, ca.certificate, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func listRequest() pki.CRLRequest {
	return pki.CRLRequest{
		Shard:      pki.Shard{Number: 1, URL: "http://ca.test/crl/first/1.crl"},
		Number:     7,
		ThisUpdate: noon,
		NextUpdate: noon.Add(7 * day),
		Entries: []pki.Entry{
			{Serial: "0100", At: noon.Add(-time.Hour), Reason: pki.KeyCompromise},
			{Serial: "4a", At: noon.Add(-2 * time.Hour)},
			{Serial: "7fffffffffffffffffffffffffffffff", At: noon.Add(-3 * time.Hour), Reason: pki.PrivilegeWithdrawn},
		},
	}
}

// The issuing distribution point, octet by octet: critical, the URL, and no other limit (BR-18).
func TestCRLTemplate(t *testing.T) {
	t.Parallel()
	request := listRequest()
	template, err := request.Template()
	if err != nil {
		t.Fatal(err)
	}
	if len(template.ExtraExtensions) != 1 {
		t.Fatalf("%d extensions", len(template.ExtraExtensions))
	}
	e := template.ExtraExtensions[0]
	want := "3024" + "a022" + "a020" + "861e" + hex.EncodeToString([]byte(request.Shard.URL))
	if got := hex.EncodeToString(e.Value); e.Id.String() != "2.5.29.28" || !e.Critical || got != want {
		t.Errorf("extension %v critical %t %s, want %s", e.Id, e.Critical, got, want)
	}
	var serials []string
	for _, entry := range template.RevokedCertificateEntries {
		serials = append(serials, string(pki.SerialOf(entry.SerialNumber)))
	}
	if got := strings.Join(serials, " "); got != "4a 0100 7fffffffffffffffffffffffffffffff" {
		t.Errorf("entries are in the order %s", got)
	}
	if request.Entries[0].Serial != "0100" {
		t.Error("the caller's entries were moved")
	}
}

// No reason stands where none was given (V-06), others do.
// Proves BR-17.
func TestCRLReasons(t *testing.T) {
	t.Parallel()
	ca := newListCA(t, "Issuer")
	list, err := x509.ParseRevocationList(ca.sign(t, listRequest(), nil))
	if err != nil {
		t.Fatal(err)
	}
	for i, extensions := range []int{0, 1, 1} {
		if got := len(list.RevokedCertificateEntries[i].Extensions); got != extensions {
			t.Errorf("entry %d has %d extensions, want %d", i, got, extensions)
		}
	}
}

// A list is refused for every way in which it is not the one that was asked for (INCIDENTS 32, 33).
// Proves BR-18, INC-33.
func TestCheckCRL(t *testing.T) {
	t.Parallel()
	ca, namesake, other := newListCA(t, "Issuer"), newListCA(t, "Issuer"), newListCA(t, "Other")
	request := listRequest()
	good := ca.sign(t, request, nil)
	if err := pki.CheckCRL(good, ca.certificate, request); err != nil {
		t.Fatal(err)
	}
	empty := request
	empty.Entries = nil
	if err := pki.CheckCRL(ca.sign(t, empty, nil), ca.certificate, empty); err != nil {
		t.Error("empty list:", err)
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	imposter := listCA{ca.certificate, ca.key}
	forged := *ca.certificate
	forged.PublicKey = namesake.key.Public()
	imposter.certificate, imposter.key = &forged, namesake.key

	with := func(change func(*x509.RevocationList)) []byte { return ca.sign(t, request, change) }
	for about, c := range map[string]struct {
		der  []byte
		want string
	}{
		"garbage":            {[]byte("list"), "parse list"},
		"another issuer":     {other.sign(t, request, nil), "names another issuer"},
		"a namesake":         {namesake.sign(t, request, nil), "names another key"},
		"signed by another":  {imposter.sign(t, request, nil), "verify list"},
		"a bit of signature": {flipped, "verify list"},
		"another number":     {with(func(l *x509.RevocationList) { l.Number = big.NewInt(8) }), "the number 8, not 7"},
		"another start":      {with(func(l *x509.RevocationList) { l.ThisUpdate = noon.Add(time.Second) }), "other times"},
		"another end":        {with(func(l *x509.RevocationList) { l.NextUpdate = noon.Add(8 * day) }), "other times"},
		"no URL":             {with(func(l *x509.RevocationList) { l.ExtraExtensions = nil }), "does not name its URL"},
		"URL not critical":   {with(func(l *x509.RevocationList) { l.ExtraExtensions[0].Critical = false }), "does not name its URL"},
		"another URL":        {with(func(l *x509.RevocationList) { l.ExtraExtensions[0].Value[10] ^= 1 }), "does not name its URL"},
		"an entry less":      {with(func(l *x509.RevocationList) { l.RevokedCertificateEntries = l.RevokedCertificateEntries[1:] }), "2 entries, not 3"},
		"another serial":     {with(func(l *x509.RevocationList) { l.RevokedCertificateEntries[1].SerialNumber = big.NewInt(257) }), "serial number 0100"},
		"another time":       {with(func(l *x509.RevocationList) { l.RevokedCertificateEntries[1].RevocationTime = noon }), "serial number 0100"},
		"another reason":     {with(func(l *x509.RevocationList) { l.RevokedCertificateEntries[1].ReasonCode = 4 }), "serial number 0100"},
	} {
		err := pki.CheckCRL(c.der, ca.certificate, request)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", about, err, c.want)
		}
	}
}

func FuzzCheckCRL(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		if err := pki.CheckCRL(der, &x509.Certificate{}, pki.CRLRequest{}); err == nil {
			t.Error("accepted a list that nobody signed")
		}
	})
}
