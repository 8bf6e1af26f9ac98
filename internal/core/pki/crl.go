package pki

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Template returns what crypto/x509 needs to build the list: entries in the order of their serial numbers, no reason
// where none was given (RFC 5280 section 5.3.1), and the URL of the shard in a critical issuing distribution point.
func (r CRLRequest) Template() (*x509.RevocationList, error) {
	distribution, err := issuingDistributionPoint(r.Shard.URL)
	if err != nil {
		return nil, fmt.Errorf("issuing distribution point %q: %w", r.Shard.URL, err)
	}
	entries := make([]x509.RevocationListEntry, len(r.Entries))
	for i, e := range r.Entries {
		entries[i] = x509.RevocationListEntry{SerialNumber: e.Serial.Int(), RevocationTime: e.At, ReasonCode: int(e.Reason)}
	}
	slices.SortFunc(entries, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return &x509.RevocationList{
		RevokedCertificateEntries: entries,
		Number:                    big.NewInt(r.Number),
		ThisUpdate:                r.ThisUpdate,
		NextUpdate:                r.NextUpdate,
		ExtraExtensions:           []pkix.Extension{distribution},
	}, nil
}

// issuingDistributionPoint names the shard by its URL (RFC 5280 section 5.2.5) and limits the list in no other way.
func issuingDistributionPoint(url string) (pkix.Extension, error) {
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		addDistributionPointName(b, url)
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: value}, err
}

// addDistributionPointName writes distributionPoint [0] { fullName [0] { uniformResourceIdentifier [6] } }.
func addDistributionPointName(b *cryptobyte.Builder, url string) {
	constructed := tags.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(constructed, func(b *cryptobyte.Builder) {
		b.AddASN1(constructed, func(b *cryptobyte.Builder) {
			b.AddASN1(tagURI, func(b *cryptobyte.Builder) { b.AddBytes([]byte(url)) })
		})
	})
}

// CheckCRL decides whether a signed list may be published for what was asked: it is the issuer's, by name, key
// identifier and signature, it has the number, the times and exactly the entries asked for, and names the URL of its
// shard byte for byte (INCIDENTS 32 and 33). Its errors are internal: a list that fails must never be served.
func CheckCRL(der []byte, issuer *x509.Certificate, want CRLRequest) error {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return fmt.Errorf("parse list: %w", err)
	}
	distribution, err := issuingDistributionPoint(want.Shard.URL)
	if err != nil {
		return fmt.Errorf("issuing distribution point: %w", err)
	}
	switch {
	case !bytes.Equal(list.RawIssuer, issuer.RawSubject):
		return errors.New("the list names another issuer")
	case !bytes.Equal(list.AuthorityKeyId, issuer.SubjectKeyId):
		return errors.New("the list names another key")
	case list.Number == nil || list.Number.Cmp(big.NewInt(want.Number)) != 0:
		return fmt.Errorf("the list has the number %v, not %d", list.Number, want.Number)
	case !list.ThisUpdate.Equal(want.ThisUpdate) || !list.NextUpdate.Equal(want.NextUpdate):
		return errors.New("the list has other times")
	case !slices.ContainsFunc(list.Extensions, equalExtension(distribution)):
		return fmt.Errorf("the list does not name its URL %q", want.Shard.URL)
	}
	if err := checkEntries(list.RevokedCertificateEntries, want.Entries); err != nil {
		return err
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return fmt.Errorf("verify list: %w", err)
	}
	return nil
}

func checkEntries(have []x509.RevocationListEntry, want []Entry) error {
	if len(have) != len(want) {
		return fmt.Errorf("the list has %d entries, not %d", len(have), len(want))
	}
	sorted := slices.SortedFunc(slices.Values(want), func(a, b Entry) int {
		return cmp.Or(cmp.Compare(len(a.Serial), len(b.Serial)), cmp.Compare(a.Serial, b.Serial))
	})
	for i, e := range sorted {
		if i > 0 && e.Serial == sorted[i-1].Serial {
			return fmt.Errorf("the list has serial number %s twice", e.Serial)
		}
		if h := have[i]; SerialOf(h.SerialNumber) != e.Serial || !h.RevocationTime.Equal(e.At) || h.ReasonCode != int(e.Reason) {
			return fmt.Errorf("entry %d of the list is not that of serial number %s", i, e.Serial)
		}
	}
	return nil
}

func equalExtension(want pkix.Extension) func(pkix.Extension) bool {
	return func(have pkix.Extension) bool {
		return have.Id.Equal(want.Id) && have.Critical == want.Critical && bytes.Equal(have.Value, want.Value)
	}
}
