package pki

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// isDER reports whether a string of elements is well formed: tags and lengths in their shortest form, numbers and
// truth values in their only form, every element inside its parent, and nothing deeper than maxDepth. The contents of
// OCTET STRING and BIT STRING are not looked at.
func isDER(elements cryptobyte.String, depth int) bool {
	if depth == 0 {
		return false
	}
	for !elements.Empty() {
		var element, content cryptobyte.String
		var tag tags.Tag
		if !elements.ReadAnyASN1Element(&element, &tag) {
			return false
		}
		whole := element
		if !element.ReadAnyASN1(&content, &tag) {
			return false
		}
		if constructed := tag&0x20 != 0; constructed && !isDER(content, depth-1) {
			return false
		}
		if !isDERValue(whole, tag) {
			return false
		}
	}
	return true
}

func isDERValue(element cryptobyte.String, tag tags.Tag) bool {
	switch tag {
	case tags.BOOLEAN:
		var value bool
		return element.ReadASN1Boolean(&value)
	case tags.INTEGER:
		var value []byte
		return element.ReadASN1Integer(&value) || isNegative(element)
	default:
		return true
	}
}

// isNegative reports whether a well-formed INTEGER is negative, which ReadASN1Integer refuses to read into octets.
func isNegative(element cryptobyte.String) bool {
	var content cryptobyte.String
	return element.ReadASN1(&content, tags.INTEGER) && len(content) > 0 && content[0]&0x80 != 0 &&
		(len(content) == 1 || content[0] != 0xff || content[1]&0x80 == 0)
}

// request is the part of a PKCS #10 request that crypto/x509 does not judge.
type request struct {
	extensions []extension
}

type extension struct {
	id    asn1.ObjectIdentifier
	value cryptobyte.String
}

// readRequest reads the outline of a request and the extensions that it asks for (RFC 2986, RFC 2985 section 5.4.2).
func readRequest(der []byte) (request, error) {
	if len(der) > MaxCSR {
		return request{}, badCSR("The CSR has %d octets; at most %d are accepted.", len(der), MaxCSR)
	}
	input := cryptobyte.String(der)
	var outer, info, attributes cryptobyte.String
	var version int64
	var hasAttributes bool
	if !input.ReadASN1(&outer, tags.SEQUENCE) {
		return request{}, badCSR("The CSR is not DER; send a PKCS #10 request, base64url-encoded, without PEM lines.")
	}
	if !input.Empty() {
		return request{}, badCSR("The CSR is followed by %d more octets; send the request alone.", len(input))
	}
	if !isDER(outer, maxDepth) {
		return request{}, badCSR("The CSR is not DER: a length or number is not in its only form, or does not fit.")
	}
	if !outer.ReadASN1(&info, tags.SEQUENCE) || !info.ReadASN1Integer(&version) ||
		!info.SkipASN1(tags.SEQUENCE) || !info.SkipASN1(tags.SEQUENCE) ||
		!info.ReadOptionalASN1(&attributes, &hasAttributes, tags.Tag(0).Constructed().ContextSpecific()) || !info.Empty() {
		return request{}, badCSR("The CSR is not a PKCS #10 request.")
	}
	if version != 0 {
		return request{}, badCSR("The CSR has version %d; PKCS #10 knows only 0.", version)
	}
	extensions, err := readAttributes(attributes)
	return request{extensions}, err
}

// oidExtensionRequest is the attribute that carries extensions. Others, such as challengePassword and those that
// Windows adds, say nothing about the certificate and are passed over.
var oidExtensionRequest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14}

func readAttributes(attributes cryptobyte.String) ([]extension, error) {
	var extensions []extension
	seen := false
	for !attributes.Empty() {
		var attribute, values, requested cryptobyte.String
		var id asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, tags.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&id) ||
			!attribute.ReadASN1(&values, tags.SET) || !attribute.Empty() {
			return nil, badCSR("An attribute of the CSR is malformed.")
		}
		if !id.Equal(oidExtensionRequest) {
			continue
		}
		if seen || !values.ReadASN1(&requested, tags.SEQUENCE) || !values.Empty() {
			return nil, badCSR("The CSR must ask for its extensions in one attribute with one value.")
		}
		seen = true
		var err error
		if extensions, err = readExtensions(requested); err != nil {
			return nil, err
		}
	}
	return extensions, nil
}

func readExtensions(list cryptobyte.String) ([]extension, error) {
	var extensions []extension
	seen := map[string]bool{}
	for !list.Empty() {
		var one, value cryptobyte.String
		var id asn1.ObjectIdentifier
		var critical bool
		if !list.ReadASN1(&one, tags.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) ||
			one.PeekASN1Tag(tags.BOOLEAN) && !one.ReadASN1Boolean(&critical) ||
			!one.ReadASN1(&value, tags.OCTET_STRING) || !one.Empty() {
			return nil, badCSR("An extension in the CSR is malformed.")
		}
		if seen[id.String()] {
			return nil, badCSR("The CSR asks for the extension %s twice.", id)
		}
		seen[id.String()] = true
		extensions = append(extensions, extension{id, value})
	}
	return extensions, nil
}
