package acme

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// degenerate returns a chain as CMS SignedData without content and signers, "used to disseminate certificates" (RFC
// 5652 section 5.2).
func degenerate(chain [][]byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(info *cryptobyte.Builder) { // ContentInfo
		info.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}) // id-signedData
		info.AddASN1(tags.Tag(0).ContextSpecific().Constructed(), func(explicit *cryptobyte.Builder) {
			explicit.AddASN1(tags.SEQUENCE, func(signed *cryptobyte.Builder) { // SignedData
				signed.AddASN1Int64(1)                                 // version
				signed.AddASN1(tags.SET, func(*cryptobyte.Builder) {}) // digestAlgorithms
				signed.AddASN1(tags.SEQUENCE, func(content *cryptobyte.Builder) {
					content.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}) // id-data
				})
				signed.AddASN1(tags.Tag(0).ContextSpecific().Constructed(), func(certificates *cryptobyte.Builder) {
					for _, der := range chain {
						certificates.AddBytes(der)
					}
				})
				signed.AddASN1(tags.SET, func(*cryptobyte.Builder) {}) // signerInfos
			})
		})
	})
	return b.Bytes()
}
