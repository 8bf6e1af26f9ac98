package ocsp

import (
	"crypto"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Refusal is why there is no answer, an OCSPResponseStatus of RFC 6960 section 4.2.1. It is not signed.
type Refusal byte

// The refusals.
const (
	MalformedRequest Refusal = 1
	InternalError    Refusal = 2
	TryLater         Refusal = 3
	Unauthorized     Refusal = 6 // nothing is known here of that certificate (RFC 5019 section 2.2.3)
)

// DER returns the reply that refuses.
func (r Refusal) DER() []byte { return []byte{0x30, 3, 0x0a, 1, byte(r)} }

// Answer says what a certificate is worth.
type Answer struct {
	ID         CertID
	Revoked    time.Time // zero: good
	Reason     pki.Reason
	ThisUpdate time.Time // also when it was produced
	NextUpdate time.Time
}

// Data returns the to-be-signed ResponseData of the answer, by the responder with this SubjectPublicKeyInfo (RFC
// 6960 section 4.2.1). There are no extensions: a reason stands in its own field (BR section 7.3), and a nonce would make each reply one
// of its own (RFC 5019 section 2.2.1).
func (a Answer) Data(responder []byte) ([]byte, error) {
	key, err := keyBits(responder)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest(crypto.SHA1, key)) })
		b.AddASN1GeneralizedTime(a.ThisUpdate.UTC())
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1(tags.SEQUENCE, a.addSingle) })
	})
	return b.Bytes()
}

// addSingle writes the content of the SingleResponse.
func (a Answer) addSingle(b *cryptobyte.Builder) {
	b.AddBytes(a.ID.Raw)
	if a.Revoked.IsZero() {
		b.AddASN1(tags.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
	} else {
		b.AddASN1(explicit(1), a.addRevocation)
	}
	b.AddASN1GeneralizedTime(a.ThisUpdate.UTC())
	b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(a.NextUpdate.UTC()) })
}

// addRevocation writes the content of RevokedInfo: no reason where none was given, as in a CRL.
func (a Answer) addRevocation(b *cryptobyte.Builder) {
	b.AddASN1GeneralizedTime(a.Revoked.UTC())
	if a.Reason != pki.Unspecified {
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(a.Reason)) })
	}
}

// Reply returns the whole reply: signed data, the AlgorithmIdentifier and the octets of its signature, and the
// certificate of the responder.
func Reply(data, algorithm, signature, responder []byte) ([]byte, error) {
	var basic cryptobyte.Builder
	basic.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(data)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(responder) })
		})
	})
	content, err := basic.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode OCSP reply: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}) // id-pkix-ocsp-basic
				b.AddASN1OctetString(content)
			})
		})
	})
	return b.Bytes()
}
