package lint

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Object identifiers of RFC 5280, in dotted form.
const (
	oidCommonName       = "2.5.4.3"
	oidCountry          = "2.5.4.6"
	oidOrganisation     = "2.5.4.10"
	oidSubjectKeyID     = "2.5.29.14"
	oidKeyUsage         = "2.5.29.15"
	oidSubjectAltName   = "2.5.29.17"
	oidBasicConstraints = "2.5.29.19"
	oidDistribution     = "2.5.29.31"
	oidNameConstraints  = "2.5.29.30"
	oidPolicies         = "2.5.29.32"
	oidAuthorityKeyID   = "2.5.29.35"
	oidExtendedKeyUsage = "2.5.29.37"
	oidAuthorityInfo    = "1.3.6.1.5.5.7.1.1"
	oidStatement        = "1.3.6.1.5.5.7.2.1"
)

// criticality says whether an extension has to be critical.
type criticality int

const (
	never criticality = iota + 1
	always
	either // the rules of the extension decide
)

// leafExtensions and caExtensions are what the two kinds of certificate may have.
var leafExtensions = map[string]criticality{
	oidKeyUsage:         always,
	oidExtendedKeyUsage: never,
	oidBasicConstraints: always,
	oidAuthorityKeyID:   never,
	oidAuthorityInfo:    never,
	oidSubjectAltName:   either,
	oidDistribution:     never,
	oidPolicies:         never,
}

var caExtensions = map[string]criticality{
	oidKeyUsage:         always,
	oidExtendedKeyUsage: never,
	oidBasicConstraints: always,
	oidSubjectKeyID:     never,
	oidAuthorityKeyID:   never,
	oidAuthorityInfo:    never,
	oidDistribution:     never,
	oidPolicies:         never,
	oidNameConstraints:  always,
}

// extensions refuses unknown extensions and wrong criticality: what no rule looks at must not be signed. Twins are
// refused when a certificate is parsed.
func (r *report) extensions(kind string, c *x509.Certificate, known map[string]criticality) {
	for _, e := range c.Extensions {
		id := e.Id.String()
		critical, found := known[id]
		r.check(found, kind+"-extension-unknown", "the extension "+id+" is in no profile")
		r.check(!found || critical == either || e.Critical == (critical == always),
			kind+"-extension-critical", "the extension "+id+" has the wrong criticality")
	}
}

func find(c *x509.Certificate, id string) (pkix.Extension, bool) {
	for _, e := range c.Extensions {
		if e.Id.String() == id {
			return e, true
		}
	}
	return pkix.Extension{}, false
}

// attribute is one part of a subject.
type attribute struct{ id, value string }

// readSubject reads a Name that has one attribute in each relative name, in one of the two string types that
// BR section 7.1.4.2 allows, each with its own characters only (INCIDENTS 4: a "*" in PrintableString).
func readSubject(der []byte) ([]attribute, bool) {
	input := cryptobyte.String(der)
	var name cryptobyte.String
	if !input.ReadASN1(&name, tags.SEQUENCE) || !input.Empty() {
		return nil, false
	}
	var attributes []attribute
	for !name.Empty() {
		var set, one, value cryptobyte.String
		var id asn1.ObjectIdentifier
		var tag tags.Tag
		if !name.ReadASN1(&set, tags.SET) || !set.ReadASN1(&one, tags.SEQUENCE) || !set.Empty() ||
			!one.ReadASN1ObjectIdentifier(&id) || !one.ReadAnyASN1(&value, &tag) || !one.Empty() {
			return nil, false
		}
		if !hasType(string(value), tag) {
			return nil, false
		}
		attributes = append(attributes, attribute{id.String(), string(value)})
	}
	return attributes, true
}

func hasType(text string, tag tags.Tag) bool {
	switch tag {
	case tags.UTF8String:
		return text != "" && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
	case tags.PrintableString:
		return text != "" && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?") == ""
	default:
		return false
	}
}

// readNames reads the subject alternative names from the extension itself, since crypto/x509 passes over the kinds that
// it does not know.
func readNames(c *x509.Certificate) ([]ident.Identifier, bool) {
	extension, found := find(c, oidSubjectAltName)
	input := cryptobyte.String(extension.Value)
	var list cryptobyte.String
	if !found || !input.ReadASN1(&list, tags.SEQUENCE) || !input.Empty() || list.Empty() {
		return nil, false
	}
	var names []ident.Identifier
	for !list.Empty() {
		var content cryptobyte.String
		var tag tags.Tag
		if !list.ReadAnyASN1(&content, &tag) {
			return nil, false
		}
		name, ok := readName(tag, content)
		if !ok {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

func readName(tag tags.Tag, content []byte) (ident.Identifier, bool) {
	switch tag {
	case tags.Tag(2).ContextSpecific():
		name, err := ident.ParseDNS(string(content))
		return name, err == nil && name.Value() == string(content)
	case tags.Tag(7).ContextSpecific():
		addr, ok := netip.AddrFromSlice(content)
		return ident.FromAddr(addr), ok && !addr.Is4In6()
	default:
		return ident.Identifier{}, false
	}
}

// equalUsages reports whether the extended key usages are these, in whatever sequence, each once; none at all is no
// extension.
func equalUsages(c *x509.Certificate, usages []pki.Usage) bool {
	extension, found := find(c, oidExtendedKeyUsage)
	if !found || len(usages) == 0 {
		return !found && len(usages) == 0
	}
	input := cryptobyte.String(extension.Value)
	var list cryptobyte.String
	if !input.ReadASN1(&list, tags.SEQUENCE) || !input.Empty() {
		return false
	}
	var have, want []string
	for !list.Empty() {
		var id asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&id) {
			return false
		}
		have = append(have, id.String())
	}
	for _, usage := range usages {
		want = append(want, usage.OID())
	}
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(have, want)
}

// readPolicies reads the certificate policies, each with at most one qualifier, which is a practice statement.
func readPolicies(c *x509.Certificate) (policies []pki.Policy, ok bool) {
	extension, found := find(c, oidPolicies)
	if !found {
		return nil, true
	}
	input := cryptobyte.String(extension.Value)
	var list cryptobyte.String
	if !input.ReadASN1(&list, tags.SEQUENCE) || !input.Empty() || list.Empty() {
		return nil, false
	}
	for !list.Empty() {
		var one cryptobyte.String
		var id asn1.ObjectIdentifier
		if !list.ReadASN1(&one, tags.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) {
			return nil, false
		}
		cps, ok := readStatement(one)
		if !ok {
			return nil, false
		}
		policies = append(policies, pki.Policy{OID: id.String(), CPS: cps})
	}
	return policies, true
}

// readStatement reads the qualifiers of a policy; "" for none.
func readStatement(rest cryptobyte.String) (cps string, ok bool) {
	if rest.Empty() {
		return "", true
	}
	var qualifiers, one, url cryptobyte.String
	var id asn1.ObjectIdentifier
	ok = rest.ReadASN1(&qualifiers, tags.SEQUENCE) && rest.Empty() &&
		qualifiers.ReadASN1(&one, tags.SEQUENCE) && qualifiers.Empty() &&
		one.ReadASN1ObjectIdentifier(&id) && id.String() == oidStatement &&
		one.ReadASN1(&url, tags.IA5String) && one.Empty() && !url.Empty()
	return string(url), ok
}

// wholeSeconds reports whether both ends of the validity are in the form of RFC 5280 section 4.1.2.5.
func wholeSeconds(c *x509.Certificate) bool {
	input := cryptobyte.String(c.RawTBSCertificate)
	var tbs, validity cryptobyte.String
	if !input.ReadASN1(&tbs, tags.SEQUENCE) || !tbs.SkipOptionalASN1(tags.Tag(0).ContextSpecific().Constructed()) ||
		!tbs.SkipASN1(tags.INTEGER) || !tbs.SkipASN1(tags.SEQUENCE) || !tbs.SkipASN1(tags.SEQUENCE) ||
		!tbs.ReadASN1(&validity, tags.SEQUENCE) {
		return false
	}
	for !validity.Empty() {
		var text cryptobyte.String
		var tag tags.Tag
		if !validity.ReadAnyASN1(&text, &tag) || !isWholeSecond(string(text), tag) {
			return false
		}
	}
	return true
}

func isWholeSecond(text string, tag tags.Tag) bool {
	return strings.HasSuffix(text, "Z") &&
		(tag == tags.UTCTime && len(text) == len("YYMMDDHHMMSSZ") ||
			tag == tags.GeneralizedTime && len(text) == len("YYYYMMDDHHMMSSZ") && text >= "2050")
}
