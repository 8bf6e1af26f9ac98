package ocsp

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Why a request is not answered.
var (
	// ErrMalformed says that it is no request, or asks for something that RFC 5019 leaves out: several certificates, or an
	// extension that it calls critical.
	ErrMalformed = errors.New("malformed request")
	// ErrHash says that it names the certificate by a hash other than SHA-1 and SHA-256.
	ErrHash = errors.New("the request uses an unsupported hash")
)

// ParseRequest reads a request. What it is not asked to prove is passed over: the requester's name and signature, and the
// extensions that are not critical, a nonce among them. Errors: ErrMalformed, ErrHash.
func ParseRequest(der []byte) (CertID, error) {
	input := cryptobyte.String(der)
	var outer, tbs cryptobyte.String
	if len(der) > MaxRequest || !input.ReadASN1(&outer, tags.SEQUENCE) || !input.Empty() ||
		!outer.ReadASN1(&tbs, tags.SEQUENCE) || !outer.SkipOptionalASN1(explicit(0)) || !outer.Empty() {
		return CertID{}, ErrMalformed
	}
	one, err := readOnly(tbs)
	if err != nil {
		return CertID{}, err
	}
	var id cryptobyte.String
	if !one.ReadASN1Element(&id, tags.SEQUENCE) || !readExtensions(&one, 0) || !one.Empty() {
		return CertID{}, ErrMalformed
	}
	return parseCertID(id)
}

func explicit(tag uint8) tags.Tag { return tags.Tag(tag).ContextSpecific().Constructed() }

// readOnly returns the one Request of a TBSRequest. The version stands in none: v1 is the default, and there is no other.
func readOnly(tbs cryptobyte.String) (one cryptobyte.String, err error) {
	var list cryptobyte.String
	if !tbs.SkipOptionalASN1(explicit(1)) || !tbs.ReadASN1(&list, tags.SEQUENCE) || !readExtensions(&tbs, 2) || !tbs.Empty() ||
		!list.ReadASN1(&one, tags.SEQUENCE) || !list.Empty() {
		return nil, ErrMalformed
	}
	return one, nil
}

// readExtensions reads the optional extensions under an explicit tag; false when they are malformed or one is critical.
func readExtensions(from *cryptobyte.String, tag uint8) bool {
	var outer, list cryptobyte.String
	var present bool
	if !from.ReadOptionalASN1(&outer, &present, explicit(tag)) {
		return false
	}
	if !present {
		return true
	}
	if !outer.ReadASN1(&list, tags.SEQUENCE) || !outer.Empty() || list.Empty() {
		return false
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var id asn1.ObjectIdentifier
		if !list.ReadASN1(&one, tags.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) ||
			one.PeekASN1Tag(tags.BOOLEAN) || !one.ReadASN1(&value, tags.OCTET_STRING) || !one.Empty() {
			return false
		}
	}
	return true
}

func parseCertID(der cryptobyte.String) (CertID, error) {
	raw := []byte(der)
	var content, algorithm, name, key cryptobyte.String
	var oid asn1.ObjectIdentifier
	serial := new(big.Int)
	if !der.ReadASN1(&content, tags.SEQUENCE) || !content.ReadASN1(&algorithm, tags.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!content.ReadASN1(&name, tags.OCTET_STRING) || !content.ReadASN1(&key, tags.OCTET_STRING) ||
		!content.ReadASN1Integer(serial) || !content.Empty() || serial.Sign() <= 0 || len(serial.Bytes()) > maxSerialBytes {
		return CertID{}, ErrMalformed
	}
	hash, err := hashOf(oid)
	if err != nil {
		return CertID{}, err
	}
	var null cryptobyte.String
	if !algorithm.Empty() && (!algorithm.ReadASN1(&null, tags.NULL) || !null.Empty() || !algorithm.Empty()) ||
		len(name) != hash.Size() || len(key) != hash.Size() {
		return CertID{}, ErrMalformed
	}
	return CertID{Hash: hash, NameHash: name, KeyHash: key, Serial: pki.SerialOf(serial), Raw: raw}, nil
}

func hashOf(oid asn1.ObjectIdentifier) (crypto.Hash, error) {
	switch {
	case oid.Equal(asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}):
		return crypto.SHA1, nil
	case oid.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}):
		return crypto.SHA256, nil
	default:
		return 0, ErrHash
	}
}
