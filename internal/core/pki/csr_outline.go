package pki

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// extension is one that a request asks for.
type extension struct {
	id    string
	value cryptobyte.String
}

// readRequest reads the outline of a request and the extensions that it asks for (RFC 2986, RFC 2985 section 5.4.2).
func readRequest(der []byte) ([]extension, error) {
	if len(der) > MaxCSR {
		return nil, badCSR("The CSR has %d octets; at most %d are accepted.", len(der), MaxCSR)
	}
	input := cryptobyte.String(der)
	var outer, info, attributes cryptobyte.String
	var version int64
	var hasAttributes bool
	if !input.ReadASN1(&outer, tags.SEQUENCE) {
		return nil, badCSR("The CSR is not DER; send a PKCS #10 request, base64url-encoded, without PEM lines.")
	}
	if !input.Empty() {
		return nil, badCSR("The CSR is followed by %d more octets; send the request alone.", len(input))
	}
	if !isDER(outer, maxDepth) {
		return nil, badCSR("The CSR is not DER: a length or number is not in its only form, or does not fit.")
	}
	if !outer.ReadASN1(&info, tags.SEQUENCE) || !info.ReadASN1Integer(&version) ||
		!info.SkipASN1(tags.SEQUENCE) || !info.SkipASN1(tags.SEQUENCE) ||
		!info.ReadOptionalASN1(&attributes, &hasAttributes, tags.Tag(0).Constructed().ContextSpecific()) || !info.Empty() {
		return nil, badCSR("The CSR is not a PKCS #10 request.")
	}
	if version != 0 {
		return nil, badCSR("The CSR has version %d; PKCS #10 knows only 0.", version)
	}
	return readAttributes(attributes)
}

// readAttributes reads the one attribute that carries extensions. Others, such as challengePassword and those that
// Windows adds, say nothing about the certificate and are passed over.
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
		if id.String() != oidExtensionRequest {
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
		e := extension{id.String(), value}
		if seen[e.id] {
			return nil, badCSR("The CSR asks for the extension %s twice.", e.id)
		}
		seen[e.id] = true
		extensions = append(extensions, e)
	}
	return extensions, nil
}
