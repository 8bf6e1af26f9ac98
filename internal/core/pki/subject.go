package pki

import (
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// AttributeType is a part of a subject, as profiles spell it.
type AttributeType string

// The parts that a profile may give beside the common name.
const (
	Country      AttributeType = "country"
	State        AttributeType = "state"
	Locality     AttributeType = "locality"
	PostalCode   AttributeType = "postal-code"
	Street       AttributeType = "street"
	Organisation AttributeType = "organisation"
	Unit         AttributeType = "unit"
	SerialNumber AttributeType = "serial-number"
	commonName   AttributeType = "common-name"
)

// Attribute is one part of a subject with its value.
type Attribute struct {
	Type  AttributeType
	Value string
}

// Field is a part of the subject that a profile gives to its certificates.
type Field struct {
	Attribute  AttributeType `json:"attribute"`
	Default    string        `json:"default,omitempty"`
	Required   bool          `json:"required,omitempty"`   // without a value nothing is issued
	Modifiable bool          `json:"modifiable,omitempty"` // a CSR may give the value; otherwise only the default counts
}

// attributeForms are the parts of a subject in the sequence of BR section 7.1.4.1, each with its object identifier and
// its upper bound in characters (RFC 5280 appendix A.1).
var attributeForms = []struct {
	kind AttributeType
	id   asn1.ObjectIdentifier
	most int
}{
	{Country, asn1.ObjectIdentifier{2, 5, 4, 6}, 2},
	{State, asn1.ObjectIdentifier{2, 5, 4, 8}, 128},
	{Locality, asn1.ObjectIdentifier{2, 5, 4, 7}, 128},
	{PostalCode, asn1.ObjectIdentifier{2, 5, 4, 17}, 16},
	{Street, asn1.ObjectIdentifier{2, 5, 4, 9}, 128},
	{Organisation, asn1.ObjectIdentifier{2, 5, 4, 10}, 64},
	{Unit, asn1.ObjectIdentifier{2, 5, 4, 11}, 64},
	{commonName, asn1.ObjectIdentifier{2, 5, 4, 3}, maxCommonName},
	{SerialNumber, asn1.ObjectIdentifier{2, 5, 4, 5}, 64},
}

// AttributeTypes returns the parts of a subject that a profile may give.
func AttributeTypes() []AttributeType {
	var kinds []AttributeType
	for _, f := range attributeForms {
		if f.kind != commonName {
			kinds = append(kinds, f.kind)
		}
	}
	return kinds
}

// place is where a part stands in a subject; -1 for one that is not known.
func (t AttributeType) place() int {
	for i, f := range attributeForms {
		if f.kind == t {
			return i
		}
	}
	return -1
}

// OID returns the object identifier in dotted form.
func (t AttributeType) OID() string { return attributeForms[t.place()].id.String() }

// wrongValue says why a part of a subject cannot have a value, as the end of a sentence; "" when it can.
func (t AttributeType) wrongValue(value string) string {
	most := attributeForms[t.place()].most
	switch {
	case strings.TrimSpace(value) != value || value == "":
		return "is empty, or begins or ends with a space"
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "holds a character that cannot be seen, or is none of a line of text"
	case utf8.RuneCountInString(value) > most:
		return fmt.Sprintf("is longer than %d characters", most)
	case !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return "says nothing: it has neither a letter nor a digit"
	case t == Country && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || t == Country && len(value) != 2:
		return "is not a country code of two capital letters, such as DE"
	case t == SerialNumber && !isPrintable(value):
		return "has a character that is not in PrintableString"
	default:
		return ""
	}
}

func (s Spec) checkSubject(found *problems) {
	for i, f := range s.Subject {
		if f.Attribute == commonName || f.Attribute.place() < 0 {
			found.check(false, "subject: %q is none of %v; the common name is a matter of common_name.", f.Attribute, AttributeTypes())
			continue
		}
		found.check(!slices.ContainsFunc(s.Subject[:i], func(o Field) bool { return o.Attribute == f.Attribute }),
			"subject: %s stands there twice.", f.Attribute)
		if f.Default != "" {
			wrong := f.Attribute.wrongValue(f.Default)
			found.check(wrong == "", "subject: the default of %s %s.", f.Attribute, wrong)
		}
		found.check(f.Default != "" || f.Modifiable, "subject: %s has no default and no CSR may give it, so it could have no value.", f.Attribute)
	}
}

// DecideSubject returns the parts of the subject that a certificate of the profile gets, the common name aside. What a
// CSR says counts where the profile lets it, and is passed over elsewhere. Errors are BadCSR.
func (s Spec) DecideSubject(csr *CSR) ([]Attribute, error) {
	var subject []Attribute
	for _, f := range s.Subject {
		value := f.Default
		if f.Modifiable {
			asked, err := csr.attribute(f.Attribute)
			if err != nil {
				return nil, err
			}
			if asked != "" {
				value = asked
			}
		}
		switch {
		case value != "":
			subject = append(subject, Attribute{f.Attribute, value})
		case f.Required:
			return nil, badCSR("The subject of the CSR has no %s, and this profile needs one; put it into the subject.", f.Attribute)
		}
	}
	return ordered(subject), nil
}

// attribute returns what the CSR says of one part of its subject; "" when it says nothing.
func (c *CSR) attribute(kind AttributeType) (string, error) {
	var value string
	for _, a := range c.Subject {
		if a.Type != kind {
			continue
		}
		if value != "" {
			return "", badCSR("The subject of the CSR has more than one %s; give one.", kind)
		}
		if wrong := kind.wrongValue(a.Value); wrong != "" {
			return "", badCSR("The %s in the subject of the CSR %s.", kind, wrong)
		}
		value = a.Value
	}
	return value, nil
}

// AllowsSubject reports whether the profile can give a certificate this subject, the common name aside.
func (s Spec) AllowsSubject(subject []Attribute) bool {
	for _, a := range subject {
		i := slices.IndexFunc(s.Subject, func(f Field) bool { return f.Attribute == a.Type })
		if i < 0 || a.Type.wrongValue(a.Value) != "" || !s.Subject[i].Modifiable && a.Value != s.Subject[i].Default {
			return false
		}
	}
	return !slices.ContainsFunc(s.Subject, func(f Field) bool {
		has := slices.ContainsFunc(subject, func(a Attribute) bool { return a.Type == f.Attribute })
		return !has && (f.Required || f.Default != "")
	})
}

// SubjectOf returns the parts of a certificate's subject that a profile can give, the common name aside.
func SubjectOf(c *x509.Certificate) []Attribute { return attributes(c.Subject) }

func attributes(name pkix.Name) []Attribute {
	var subject []Attribute
	for _, a := range name.Names {
		for _, f := range attributeForms {
			if text, ok := a.Value.(string); ok && f.id.Equal(a.Type) && f.kind != commonName {
				subject = append(subject, Attribute{f.kind, text})
			}
		}
	}
	return subject
}

// FullSubject returns the subject of the certificate of the request, the common name included, in its sequence.
func (r Request) FullSubject() []Attribute {
	subject := slices.Clone(r.Subject)
	if name := r.CommonName(); name != "" {
		subject = append(subject, Attribute{commonName, name})
	}
	return ordered(subject)
}

func ordered(subject []Attribute) []Attribute {
	slices.SortStableFunc(subject, func(a, b Attribute) int { return cmp.Compare(a.Type.place(), b.Type.place()) })
	return subject
}

// encodeSubject writes a Name with one attribute in each relative name (BR section 7.1.4.2), in PrintableString where
// the characters permit it and in UTF8String elsewhere.
func encodeSubject(subject []Attribute) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, a := range subject {
			b.AddASN1(tags.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(attributeForms[a.Type.place()].id)
					tag := tags.UTF8String
					if isPrintable(a.Value) {
						tag = tags.PrintableString
					}
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.Value)) })
				})
			})
		}
	})
	return b.Bytes()
}

// isPrintable reports whether a text has only the characters of PrintableString; "*" and "&" are none (INCIDENTS 4).
func isPrintable(text string) bool {
	return strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?") == ""
}
