package ocsp_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// authority is a CA that signs its own replies.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t testing.TB, name string, key *ecdsa.PrivateKey) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, certificate}
}

func (a authority) issued(id ocsp.CertID) bool {
	return id.IssuedBy(a.certificate.RawSubject, a.certificate.RawSubjectPublicKeyInfo)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a authority) request(t testing.TB, hash crypto.Hash, serial int64) []byte {
	t.Helper()
	der, err := xocsp.CreateRequest(&x509.Certificate{SerialNumber: big.NewInt(serial)}, a.certificate, &xocsp.RequestOptions{Hash: hash})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A certificate is named by its issuer's name and its issuer's key, each of which may have others beside. Proves BR-19, INC-39.
func TestARequestNamesIssuerAndSerialNumber(t *testing.T) {
	key := newKey(t)
	own, otherName, otherKey := newAuthority(t, "One", key), newAuthority(t, "Other", key), newAuthority(t, "One", newKey(t))
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		id, err := ocsp.ParseRequest(own.request(t, hash, 0x4a5b))
		if err != nil {
			t.Fatal(err)
		}
		if id.Hash != hash || id.Serial != "4a5b" || !own.issued(id) {
			t.Errorf("%s: %+v", hash, id)
		}
		if otherName.issued(id) || otherKey.issued(id) {
			t.Errorf("%s: an issuer with the same key or the same name is taken for it", hash)
		}
	}
	if _, err := ocsp.ParseRequest(own.request(t, crypto.SHA384, 1)); !errors.Is(err, ocsp.ErrHash) {
		t.Errorf("SHA-384: %v", err)
	}
}

// The parts of a request, so that tests can build others.
type (
	certID struct {
		Algorithm pkix.AlgorithmIdentifier
		Name, Key []byte
		Serial    *big.Int
	}
	single struct {
		ID         certID
		Extensions []pkix.Extension `asn1:"explicit,tag:0,optional,omitempty"`
	}
	tbs struct {
		Version    int           `asn1:"explicit,tag:0,optional,default:0"`
		Requestor  asn1.RawValue `asn1:"explicit,tag:1,optional"`
		List       []single
		Extensions []pkix.Extension `asn1:"explicit,tag:2,optional,omitempty"`
	}
	whole struct {
		TBS       tbs
		Signature asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
)

func encode(t testing.TB, change func(*whole)) []byte {
	t.Helper()
	w := whole{TBS: tbs{List: []single{{ID: certID{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, Parameters: asn1.NullRawValue},
		Name:      make([]byte, 20), Key: make([]byte, 20), Serial: big.NewInt(74),
	}}}}}
	change(&w)
	der, err := asn1.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func extension(critical bool) []pkix.Extension {
	return []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Critical: critical, Value: []byte{4, 2, 1, 2}}}
}

// "CRL and OCSP matrix": what is passed over, and what is refused.
func TestRequestsOutsideTheProfile(t *testing.T) {
	plain := encode(t, func(*whole) {})
	text := asn1.RawValue{Tag: asn1.TagOctetString, Bytes: []byte("x")}
	tagged := func(tag, length int) asn1.RawValue {
		octets, _ := asn1.Marshal(make([]byte, length))
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: octets}
	}
	for name, c := range map[string]struct {
		der  []byte
		want error
	}{
		"plain":                           {plain, nil},
		"without parameters of the hash":  {encode(t, func(w *whole) { w.TBS.List[0].ID.Algorithm.Parameters = asn1.RawValue{} }), nil},
		"with a nonce":                    {encode(t, func(w *whole) { w.TBS.Extensions = extension(false) }), nil},
		"with an extension of one":        {encode(t, func(w *whole) { w.TBS.List[0].Extensions = extension(false) }), nil},
		"with the requester's name":       {encode(t, func(w *whole) { w.TBS.Requestor = tagged(1, 1) }), nil},
		"signed":                          {encode(t, func(w *whole) { w.Signature = tagged(0, 1) }), nil},
		"with a serial of 20 octets":      {encode(t, func(w *whole) { w.TBS.List[0].ID.Serial.Lsh(big.NewInt(1), 158) }), nil},
		"nothing":                         {nil, ocsp.ErrMalformed},
		"garbage":                         {[]byte("garbage"), ocsp.ErrMalformed},
		"an element too many":             {encode(t, func(w *whole) { w.Signature = asn1.RawValue{Tag: asn1.TagNull} }), ocsp.ErrMalformed},
		"a rest behind it":                {append(slices.Clone(plain), 0), ocsp.ErrMalformed},
		"cut off":                         {plain[:len(plain)-1], ocsp.ErrMalformed},
		"no certificate":                  {encode(t, func(w *whole) { w.TBS.List = nil }), ocsp.ErrMalformed},
		"two certificates":                {encode(t, func(w *whole) { w.TBS.List = append(w.TBS.List, w.TBS.List[0]) }), ocsp.ErrMalformed},
		"another version":                 {encode(t, func(w *whole) { w.TBS.Version = 1 }), ocsp.ErrMalformed},
		"a critical extension":            {encode(t, func(w *whole) { w.TBS.Extensions = extension(true) }), ocsp.ErrMalformed},
		"a critical extension of one":     {encode(t, func(w *whole) { w.TBS.List[0].Extensions = extension(true) }), ocsp.ErrMalformed},
		"a short hash":                    {encode(t, func(w *whole) { w.TBS.List[0].ID.Key = make([]byte, 19) }), ocsp.ErrMalformed},
		"the hash of another length":      {encode(t, func(w *whole) { w.TBS.List[0].ID.Name = make([]byte, 32) }), ocsp.ErrMalformed},
		"serial number 0":                 {encode(t, func(w *whole) { w.TBS.List[0].ID.Serial = big.NewInt(0) }), ocsp.ErrMalformed},
		"a negative serial number":        {encode(t, func(w *whole) { w.TBS.List[0].ID.Serial = big.NewInt(-1) }), ocsp.ErrMalformed},
		"a serial number of 21 octets":    {encode(t, func(w *whole) { w.TBS.List[0].ID.Serial.Lsh(big.NewInt(1), 160) }), ocsp.ErrMalformed},
		"more than a request may be":      {encode(t, func(w *whole) { w.Signature = tagged(0, ocsp.MaxRequest) }), ocsp.ErrMalformed},
		"MD5":                             {encode(t, func(w *whole) { w.TBS.List[0].ID.Algorithm.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 5} }), ocsp.ErrHash},
		"parameters of the hash not NULL": {encode(t, func(w *whole) { w.TBS.List[0].ID.Algorithm.Parameters = text }), ocsp.ErrMalformed},
	} {
		if _, err := ocsp.ParseRequest(c.der); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func sign(t testing.TB, a authority, answer ocsp.Answer) []byte {
	t.Helper()
	data, err := answer.Data(a.certificate.RawSubjectPublicKeyInfo)
	if err != nil {
		t.Fatal(err)
	}
	digest := crypto.SHA256.New()
	digest.Write(data)
	signature, err := a.key.Sign(rand.Reader, digest.Sum(nil), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	algorithm, err := asn1.Marshal(pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}})
	if err != nil {
		t.Fatal(err)
	}
	der, err := ocsp.Reply(data, algorithm, signature, a.certificate.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestAKeyThatIsNoneNamesNobody(t *testing.T) {
	for _, spki := range [][]byte{nil, {0x30, 0}, []byte("a key")} {
		if data, err := (ocsp.Answer{}).Data(spki); err == nil || data != nil {
			t.Errorf("%x: %x, %v", spki, data, err)
		}
	}
}

// What we write, others read; and a reason that nobody gave stands nowhere. Proves V-06, BR-17, BR-19.
func TestRepliesAreReadByAnother(t *testing.T) {
	a := newAuthority(t, "One", newKey(t))
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	reason := []byte{0xa0, 3, 0x0a, 1}
	for _, c := range []struct {
		revoked time.Time
		reason  pki.Reason
		status  int
	}{
		{time.Time{}, 0, xocsp.Good},
		{now.Add(-time.Hour), pki.Unspecified, xocsp.Revoked},
		{now.Add(-time.Hour), pki.KeyCompromise, xocsp.Revoked},
		{now.Add(-time.Hour), pki.PrivilegeWithdrawn, xocsp.Revoked},
	} {
		id, err := ocsp.ParseRequest(a.request(t, crypto.SHA256, 74))
		if err != nil {
			t.Fatal(err)
		}
		der := sign(t, a, ocsp.Answer{ID: id, Revoked: c.revoked, Reason: c.reason, ThisUpdate: now, NextUpdate: now.Add(96 * time.Hour)})
		said, err := xocsp.ParseResponse(der, a.certificate)
		if err != nil {
			t.Fatal(err)
		}
		if said.Status != c.status || said.SerialNumber.Int64() != 74 || !said.RevokedAt.Equal(c.revoked) || said.RevocationReason != int(c.reason) ||
			!said.ThisUpdate.Equal(now) || !said.ProducedAt.Equal(now) || !said.NextUpdate.Equal(now.Add(96*time.Hour)) || len(said.Extensions) > 0 {
			t.Errorf("%v %v: %+v", c.revoked, c.reason, said)
		}
		if !bytes.Contains(der, id.Raw) {
			t.Error("the reply does not repeat the name of the certificate")
		}
		if c.reason == pki.Unspecified && bytes.Contains(said.TBSResponseData, reason) {
			t.Error("a reason stands where none was given")
		}
	}
}

func TestRefusals(t *testing.T) {
	for refusal, want := range map[ocsp.Refusal]xocsp.ResponseStatus{
		ocsp.MalformedRequest: xocsp.Malformed, ocsp.InternalError: xocsp.InternalError,
		ocsp.TryLater: xocsp.TryLater, ocsp.Unauthorized: xocsp.Unauthorized,
	} {
		_, err := xocsp.ParseResponse(refusal.DER(), nil)
		if said, ok := errors.AsType[xocsp.ResponseError](err); !ok || said.Status != want {
			t.Errorf("%d: %v", refusal, err)
		}
	}
}

// Whatever is read is read by the other alike, and is written back as it came.
func FuzzParseRequest(f *testing.F) {
	a := newAuthority(f, "One", newKey(f))
	f.Add(a.request(f, crypto.SHA1, 74))
	f.Add(a.request(f, crypto.SHA256, 1<<40))
	f.Add(encode(f, func(w *whole) { w.TBS.Extensions = extension(false) }))
	f.Fuzz(func(t *testing.T, der []byte) {
		id, err := ocsp.ParseRequest(der)
		if err != nil {
			if !errors.Is(err, ocsp.ErrMalformed) && !errors.Is(err, ocsp.ErrHash) {
				t.Error(err)
			}
			return
		}
		other, err := xocsp.ParseRequest(der)
		if err != nil {
			t.Fatalf("another reader: %v", err)
		}
		if other.HashAlgorithm != id.Hash || !bytes.Equal(other.IssuerNameHash, id.NameHash) || !bytes.Equal(other.IssuerKeyHash, id.KeyHash) ||
			pki.SerialOf(other.SerialNumber) != id.Serial || !bytes.Contains(der, id.Raw) {
			t.Errorf("%+v, another reader: %+v", id, other)
		}
		a.issued(id)
	})
}
