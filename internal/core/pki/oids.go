package pki

import (
	"encoding/asn1"

	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of RFC 5280, RFC 7633 and Microsoft's user principal name.
var (
	oidCommonName        = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSubjectKeyID      = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage          = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName    = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints  = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidIDP               = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidDistribution      = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidExtendedKeyUsage  = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidServerAuth        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidClientAuth        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	oidTLSFeature        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	oidUserPrincipalName = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
)

// Tags of GeneralName (RFC 5280 section 4.2.1.6).
var (
	tagOtherName     = tags.Tag(0).ContextSpecific().Constructed()
	tagEmail         = tags.Tag(1).ContextSpecific()
	tagDNSName       = tags.Tag(2).ContextSpecific()
	tagDirectoryName = tags.Tag(4).ContextSpecific().Constructed()
	tagURI           = tags.Tag(6).ContextSpecific()
	tagIPAddress     = tags.Tag(7).ContextSpecific()
	tagRegisteredID  = tags.Tag(8).ContextSpecific()
)
