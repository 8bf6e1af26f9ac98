package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"net/netip"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// requested judges the extensions that a request asks for, and returns its subject alternative names and what CSR.Usages
// tells.
func requested(extensions []extension) (names []ident.Identifier, usages []Usage, err error) {
	for _, e := range extensions {
		switch e.id {
		case oidSubjectAltName:
			names, err = alternativeNames(e.value)
		case oidExtendedKeyUsage:
			usages, err = requestedUsages(e.value)
		default:
			err = checkExtension(e)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return names, usages, nil
}

// commonNames reads the common name as an identifier: one that is none could not be among the ordered names.
func commonNames(parsed *x509.CertificateRequest) ([]ident.Identifier, error) {
	var names []ident.Identifier
	for _, attribute := range parsed.Subject.Names {
		if attribute.Type.String() != oidCommonName {
			continue
		}
		text, ok := attribute.Value.(string)
		switch {
		case !ok || text == "":
			return nil, badCSR("The common name of the CSR is empty or not a text; leave it out.")
		case len([]rune(text)) > maxCommonName:
			return nil, badCSR("The common name of the CSR has more than %d characters; leave it out and use subject alternative names.", maxCommonName)
		case len(names) > 0:
			return nil, badCSR("The CSR has more than one common name; leave them out and use subject alternative names.")
		}
		name, err := parseName("common name", text)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// parseName reads a name of unknown type.
func parseName(where, text string) (ident.Identifier, error) {
	if strings.ContainsRune(text, 0) {
		return ident.Identifier{}, badCSR("The %s of the CSR contains a NUL character.", where)
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		return ident.FromAddr(addr), nil
	}
	name, err := ident.ParseDNS(text)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), ident.ErrValue.Error()+": ")
		return ident.Identifier{}, badCSR("The %s of the CSR cannot be certified: %s.", where, why)
	}
	return name, nil
}

// alternativeNames reads a GeneralNames of DNS names and addresses (RFC 5280 section 4.2.1.6).
func alternativeNames(value cryptobyte.String) ([]ident.Identifier, error) {
	var list cryptobyte.String
	if !value.ReadASN1(&list, tags.SEQUENCE) || !value.Empty() || !isDER(list, maxDepth) {
		return nil, badCSR("The subject alternative names of the CSR are malformed.")
	}
	var names []ident.Identifier
	for !list.Empty() {
		var content cryptobyte.String
		var tag tags.Tag
		if !list.ReadAnyASN1(&content, &tag) {
			return nil, badCSR("The subject alternative names of the CSR are malformed.")
		}
		name, err := alternativeName(tag, content)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func alternativeName(tag tags.Tag, content cryptobyte.String) (ident.Identifier, error) {
	switch tag {
	case tagDNSName:
		if addr, err := netip.ParseAddr(string(content)); err == nil && addr.Zone() == "" {
			return ident.Identifier{}, badCSR("The CSR has the address %s as a DNS name; write it as an IP address entry.", addr)
		}
		return parseName("subject alternative name", string(content))
	case tagIPAddress:
		addr, ok := netip.AddrFromSlice(content)
		if !ok || addr.Is4In6() {
			return ident.Identifier{}, badCSR("An address in the CSR does not have the 4 octets of IPv4 or the 16 of IPv6.")
		}
		return ident.FromAddr(addr), nil
	default:
		return ident.Identifier{}, badCSR("The CSR asks for %s as subject alternative name; only DNS names and IP addresses can be certified.",
			describeName(tag, content))
	}
}

func describeName(tag tags.Tag, content cryptobyte.String) string {
	var id asn1.ObjectIdentifier
	switch tag {
	case tagOtherName:
		if content.ReadASN1ObjectIdentifier(&id) && id.String() == oidUserPrincipalName {
			return "a user principal name (UPN)"
		}
		return "an otherName"
	case tagEmail:
		return "an e-mail address"
	case tagDirectoryName:
		return "a directory name"
	case tagURI:
		return "a URI"
	case tagRegisteredID:
		return "a registered identifier"
	default:
		return "an unknown kind of name"
	}
}

// checkExtension accepts the extensions that clients send out of habit and that ask for nothing beyond a profile.
func checkExtension(e extension) error {
	switch e.id {
	case oidBasicConstraints:
		return checkBasicConstraints(e.value)
	case oidKeyUsage:
		return checkKeyUsage(e.value)
	case oidSubjectKeyID:
		return nil
	case oidTLSFeature:
		return badCSR("The CSR asks for OCSP must-staple, which is not supported; request it without.")
	default:
		return badCSR("The CSR asks for the extension %s, which is not supported; request it without.", e.id)
	}
}

func checkBasicConstraints(value cryptobyte.String) error {
	var content cryptobyte.String
	var isCA bool
	if !value.ReadASN1(&content, tags.SEQUENCE) || !value.Empty() ||
		content.PeekASN1Tag(tags.BOOLEAN) && !content.ReadASN1Boolean(&isCA) {
		return badCSR("The basic constraints in the CSR are malformed.")
	}
	if isCA || !content.Empty() {
		return badCSR("The CSR asks for a CA certificate; only end-entity certificates are issued here.")
	}
	return nil
}

func checkKeyUsage(value cryptobyte.String) error {
	var bits asn1.BitString
	if !value.ReadASN1BitString(&bits) || !value.Empty() {
		return badCSR("The key usage in the CSR is malformed.")
	}
	const keyCertSign, cRLSign = 5, 6
	if bits.At(keyCertSign) != 0 || bits.At(cRLSign) != 0 {
		return badCSR("The CSR asks for the key usage of a CA; only end-entity certificates are issued here.")
	}
	return nil
}

// requestedUsages returns the extended key usages of a request besides those of TLS.
func requestedUsages(value cryptobyte.String) ([]Usage, error) {
	var list cryptobyte.String
	if !value.ReadASN1(&list, tags.SEQUENCE) || !value.Empty() {
		return nil, badCSR("The extended key usage in the CSR is malformed.")
	}
	var usages []Usage
	for !list.Empty() {
		var id asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&id) {
			return nil, badCSR("The extended key usage in the CSR is malformed.")
		}
		if usage := id.String(); usage != oidServerAuth && usage != oidClientAuth {
			usages = append(usages, Usage(usage))
		}
	}
	return usages, nil
}
