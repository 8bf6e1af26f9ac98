package pki

import (
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of RFC 5280, RFC 7633 and Microsoft, in dotted form.
const (
	oidCommonName        = "2.5.4.3"
	oidSubjectKeyID      = "2.5.29.14"
	oidKeyUsage          = "2.5.29.15"
	oidSubjectAltName    = "2.5.29.17"
	oidBasicConstraints  = "2.5.29.19"
	oidExtendedKeyUsage  = "2.5.29.37"
	oidServerAuth        = "1.3.6.1.5.5.7.3.1"
	oidClientAuth        = "1.3.6.1.5.5.7.3.2"
	oidAnyUsage          = "2.5.29.37.0"
	oidAnyUsageWindows   = "1.3.6.1.4.1.311.10.12.1"
	oidAnyPolicy         = "2.5.29.32.0"
	oidOCSPSigning       = "1.3.6.1.5.5.7.3.9"
	oidTLSFeature        = "1.3.6.1.5.5.7.1.24"
	oidExtensionRequest  = "1.2.840.113549.1.9.14"
	oidUserPrincipalName = "1.3.6.1.4.1.311.20.2.3"
)

// Tags of GeneralName (RFC 5280 section 4.2.1.6): context-specific, constructed where the type is.
const (
	tagOtherName     tags.Tag = 0xa0
	tagEmail         tags.Tag = 0x81
	tagDNSName       tags.Tag = 0x82
	tagDirectoryName tags.Tag = 0xa4
	tagURI           tags.Tag = 0x86
	tagIPAddress     tags.Tag = 0x87
	tagRegisteredID  tags.Tag = 0x88
)
