package pki

import (
	"fmt"
	"strings"
)

// ShardURL returns where a CRL shard of an issuer is served, below the public base URL of the installation:
// BASE/crl/ISSUER/NUMBER.crl. It stands in certificates for as long as they live.
func ShardURL(base, issuerID string, number int) string {
	return fmt.Sprintf("%s/crl/%s/%d.crl", strings.TrimRight(base, "/"), issuerID, number)
}

// NextShard returns the shard that follows the issuer's open one.
func (i Issuer) NextShard(base string) Shard {
	number := i.Shard.Number + 1
	return Shard{Number: number, URL: ShardURL(base, i.ID, number)}
}

// OCSPURL returns where the status of an issuer's certificates is told, below the public base URL of the installation:
// BASE/ocsp/ISSUER.
func OCSPURL(base, issuerID string) string {
	return fmt.Sprintf("%s/ocsp/%s", strings.TrimRight(base, "/"), issuerID)
}

// IssuerURL returns where the certificate of an issuer is served as DER, below the public base URL of the
// installation: BASE/issuer/ISSUER.cer.
func IssuerURL(base, issuerID string) string {
	return fmt.Sprintf("%s/issuer/%s.cer", strings.TrimRight(base, "/"), issuerID)
}
