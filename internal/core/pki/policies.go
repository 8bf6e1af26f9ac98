package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds of the lists of a profile.
const (
	maxPolicies   = 10
	maxExtensions = 20
	maxExtension  = 4 << 10 // octets of a value
	maxArcs       = 20      // numbers of an object identifier
)

// Policy is a certificate policy.
type Policy struct {
	OID string `json:"oid"`
	CPS string `json:"cps,omitempty"` // URL of the practice statement
}

// Extension is one that a profile adds to its certificates as it is.
type Extension struct {
	OID      string `json:"oid"`
	Critical bool   `json:"critical,omitempty"`
	Value    []byte `json:"value"` // DER; in JSON as base64
}

// KeyUsage is a key usage that a profile may name.
type KeyUsage string

// The key usages of leaves. Those of CAs, keyCertSign and cRLSign, have no name here.
const (
	DigitalSignature  KeyUsage = "digital-signature"
	ContentCommitment KeyUsage = "content-commitment"
	KeyEncipherment   KeyUsage = "key-encipherment"
	DataEncipherment  KeyUsage = "data-encipherment"
	KeyAgreement      KeyUsage = "key-agreement"
)

// KeyUsages returns the key usages that a profile may name.
func KeyUsages() []KeyUsage {
	return []KeyUsage{DigitalSignature, ContentCommitment, KeyEncipherment, DataEncipherment, KeyAgreement}
}

// KeyUsage returns the key usages of a certificate of the profile for a key of type t: those that the profile names as
// far as such a key can do them (RFC 8813, RFC 9295), or what TLS needs when it names none.
func (s Spec) KeyUsage(t KeyType) x509.KeyUsage {
	if len(s.KeyUsages) == 0 {
		return LeafKeyUsage(t)
	}
	var bits x509.KeyUsage
	for _, usage := range s.KeyUsages {
		switch {
		case usage == DigitalSignature:
			bits |= x509.KeyUsageDigitalSignature
		case usage == ContentCommitment:
			bits |= x509.KeyUsageContentCommitment
		case usage == KeyEncipherment && t == RSA:
			bits |= x509.KeyUsageKeyEncipherment
		case usage == DataEncipherment && t == RSA:
			bits |= x509.KeyUsageDataEncipherment
		case usage == KeyAgreement && (t == ECDSAP256 || t == ECDSAP384):
			bits |= x509.KeyUsageKeyAgreement
		}
	}
	return bits
}

func (s Spec) checkKeyUsages(found *problems) {
	if len(s.KeyUsages) == 0 {
		return
	}
	checkList(found, "key_usages", s.KeyUsages, KeyUsages())
	for _, t := range s.Keys {
		found.check(s.KeyUsage(t) != 0, "key_usages: a key of type %s can do none of %v.", t, s.KeyUsages)
	}
}

// checkUsages wants extended key usages by name or as object identifiers, and none that would make more of a leaf than a
// leaf: with OCSPSigning it could vouch for revoked certificates of its issuer, with "any" for whatever there is.
func (s Spec) checkUsages(found *problems) {
	known := []Usage{ServerAuth, ClientAuth}
	found.check(len(s.Usages) > 0, "usages: name at least one of %v, or an object identifier.", known)
	for i, usage := range s.Usages {
		_, isOID := parseOID(string(usage))
		found.check(isOID || slices.Contains(known, usage), "usages: %q is none of %v and no object identifier.", usage, known)
		found.check(!slices.Contains(s.Usages[:i], usage), "usages: %q stands there twice.", usage)
		switch usage {
		case oidServerAuth, oidClientAuth:
			found.check(false, "usages: write %s as a name, one of %v.", usage, known)
		case oidAnyUsage, oidAnyUsageWindows, oidOCSPSigning:
			found.check(false, "usages: no leaf may have %s.", usage)
		}
	}
}

// extendedKeyUsages divides usages into those that crypto/x509 knows by number and the others.
func extendedKeyUsages(usages []Usage) (known []x509.ExtKeyUsage, others []asn1.ObjectIdentifier, err error) {
	for _, usage := range usages {
		id, isOID := parseOID(string(usage))
		switch {
		case usage == ServerAuth:
			known = append(known, x509.ExtKeyUsageServerAuth)
		case usage == ClientAuth:
			known = append(known, x509.ExtKeyUsageClientAuth)
		case isOID:
			others = append(others, id)
		default:
			return nil, nil, fmt.Errorf("profile has the unknown usage %q", usage)
		}
	}
	return known, others, nil
}

// OID returns the object identifier of the usage in dotted form.
func (u Usage) OID() string {
	switch u {
	case ServerAuth:
		return oidServerAuth
	case ClientAuth:
		return oidClientAuth
	default:
		return string(u)
	}
}

func (s Spec) checkPolicies(found *problems) {
	found.check(len(s.Policies) <= maxPolicies, "policies: %d are more than %d.", len(s.Policies), maxPolicies)
	for i, p := range s.Policies {
		_, ok := parseOID(p.OID)
		found.check(ok, "policies: %q is no object identifier; write it like 1.3.6.1.4.1.99999.1.", p.OID)
		found.check(!slices.ContainsFunc(s.Policies[:i], func(o Policy) bool { return o.OID == p.OID }), "policies: %s stands there twice.", p.OID)
		if p.CPS != "" {
			u, err := url.Parse(p.CPS)
			found.check(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && isIA5(p.CPS) && len(p.CPS) <= 200,
				"policies: the cps of %s is no http or https URL of at most 200 characters.", p.OID)
		}
	}
}

// managed reports whether an extension is made by this CA from other parts of the profile, or would take from it what it
// guarantees: everything of RFC 5280, what names a CA in Netscape's days, what belongs to Certificate Transparency and
// OCSP, what lets a leaf sign others as its proxies (RFC 3820), and what Windows reads in the place of the extended key
// usages and of the policies of a CA.
func managed(oid string) bool {
	const idCE, netscape = "2.5.29.", "2.16.840.1.113730.1."
	return strings.HasPrefix(oid, idCE) || strings.HasPrefix(oid, netscape) || slices.Contains([]string{
		"1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11", "1.3.6.1.5.5.7.1.14", oidTLSFeature, "1.3.6.1.5.5.7.48.1.5",
		"1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.11129.2.4.3", "1.3.6.1.4.1.11129.2.4.5",
		"1.3.6.1.4.1.311.21.10", "1.3.6.1.4.1.311.21.11", "1.3.6.1.4.1.311.21.12",
	}, oid)
}

func (s Spec) checkExtensions(found *problems) {
	found.check(len(s.Extensions) <= maxExtensions, "extensions: %d are more than %d.", len(s.Extensions), maxExtensions)
	for i, e := range s.Extensions {
		_, ok := parseOID(e.OID)
		found.check(ok, "extensions: %q is no object identifier; write it like 1.3.6.1.4.1.99999.1.", e.OID)
		found.check(!managed(e.OID), "extensions: %s is made from the other parts of the profile, or not for a leaf.", e.OID)
		found.check(!slices.ContainsFunc(s.Extensions[:i], func(o Extension) bool { return o.OID == e.OID }), "extensions: %s stands there twice.", e.OID)
		found.check(isOneElement(e.Value), "extensions: the value of %s is not one element of DER, of at most %d octets, in base64.", e.OID, maxExtension)
	}
}

func isOneElement(der []byte) bool {
	input := cryptobyte.String(der)
	var content cryptobyte.String
	var tag tags.Tag
	return len(der) <= maxExtension && isDER(der, maxDepth) && input.ReadAnyASN1(&content, &tag) && input.Empty()
}

// extraExtensions returns the extensions of the profile that crypto/x509 does not make.
func (s Spec) extraExtensions() ([]pkix.Extension, error) {
	var list []pkix.Extension
	if len(s.Policies) > 0 {
		value, err := encodePolicies(s.Policies)
		if err != nil {
			return nil, err
		}
		list = append(list, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Value: value})
	}
	for _, e := range s.Extensions {
		id, _ := parseOID(e.OID)
		list = append(list, pkix.Extension{Id: id, Critical: e.Critical, Value: e.Value})
	}
	return list, nil
}

// encodePolicies writes CertificatePolicies with the one qualifier that BR section 7.1.2.7.9 permits.
func encodePolicies(policies []Policy) ([]byte, error) {
	qualifierCPS := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1}
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, p := range policies {
			b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
				id, _ := parseOID(p.OID)
				b.AddASN1ObjectIdentifier(id)
				if p.CPS == "" {
					return
				}
				b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(qualifierCPS)
						b.AddASN1(tags.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.CPS)) })
					})
				})
			})
		}
	})
	return b.Bytes()
}

// parseOID reads an object identifier in its one dotted form.
func parseOID(text string) (asn1.ObjectIdentifier, bool) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > maxArcs {
		return nil, false
	}
	id := make(asn1.ObjectIdentifier, len(parts))
	for i, part := range parts {
		arc, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(arc, 10) != part {
			return nil, false
		}
		id[i] = int(arc)
	}
	return id, id[0] <= 1 && id[1] < 40 || id[0] == 2 && id[1] < 1<<30
}

func isIA5(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
