// Package ari holds the rules of renewal information (RFC 9773): how a certificate is named there, and when its holder
// should renew it.
package ari

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// maxID bounds the text of an identifier, in octets. The usual key identifiers, of 20 octets, make one of at most 54.
const maxID = 256

// ID names a certificate: the keyIdentifier of its authority key identifier and its serial number (RFC 9773 section 4.1).
type ID struct {
	Authority []byte
	Serial    pki.Serial
}

// String writes the identifier: both parts in base64url without padding, with a full stop between. The serial number is
// "the DER-encoded Serial Number field (without the tag and length bytes)", so one whose first bit is set begins with a
// zero octet.
func (i ID) String() string {
	return base64.RawURLEncoding.EncodeToString(i.Authority) + "." + base64.RawURLEncoding.EncodeToString(content(i.Serial))
}

// ParseID reads what String writes and nothing else: a certificate has one identifier. Error: Malformed.
func ParseID(text string) (ID, error) {
	if len(text) > maxID {
		return ID{}, malformed("it is longer than %d octets", maxID)
	}
	first, second, found := strings.Cut(text, ".")
	if !found {
		return ID{}, malformed(`it has no "." between its two parts`)
	}
	authority, err := strictjson.Base64URL(first)
	if err != nil || len(authority) == 0 {
		return ID{}, malformed("its first part is not a key identifier in base64url without padding")
	}
	octets, err := strictjson.Base64URL(second)
	if err != nil || !isSerial(octets) {
		return ID{}, malformed("its second part is not a positive serial number in DER, in base64url without padding")
	}
	return ID{Authority: authority, Serial: serial(octets)}, nil
}

func malformed(why string, args ...any) error {
	return fault.New(fault.Malformed, "This does not name a certificate as RFC 9773 section 4.1 defines it: "+why+".", args...)
}

// isSerial reports whether octets are the content of a DER integer above zero: as few as possible, the first bit clear.
func isSerial(octets []byte) bool {
	switch {
	case len(octets) == 0 || octets[0] >= 0x80:
		return false
	case octets[0] == 0:
		return len(octets) > 1 && octets[1] >= 0x80
	default:
		return true
	}
}

func serial(content []byte) pki.Serial {
	return pki.Serial(strings.TrimPrefix(hex.EncodeToString(content), "00"))
}

// content returns the content octets of a serial number's DER.
func content(s pki.Serial) []byte {
	octets := s.Int().Bytes()
	if len(octets) > 0 && octets[0] >= 0x80 {
		octets = append([]byte{0}, octets...)
	}
	return octets
}
