package adminapi

import (
	"context"
	"net/http"
	"time"
)

const revocations = "/v1/revocations"

// ManyRevocations asks for the end of the certificates that a set selects, one page of them, newest first. What is revoked
// already stays as it is, except that keyCompromise replaces another reason; what is expired is left out unless ExpiresAfter says
// otherwise.
type ManyRevocations struct {
	CertificateSet
	Issuer        string    `json:"issuer,omitempty"`     // id, or name for all issuers that had it
	Credential    string    `json:"credential,omitempty"` // kid: of the accounts that came in by it
	Key           string    `json:"key,omitempty"`        // serial number or id of a certificate with the key, or SHA-256 of its SubjectPublicKeyInfo in hexadecimal
	ExpiresBefore time.Time `json:"expires_before,omitzero"`
	ExpiresAfter  time.Time `json:"expires_after,omitzero"`
	Reason        string    `json:"reason,omitempty"` // name or code of RFC 5280 section 5.3.1; "": unspecified
	DryRun        bool      `json:"dry_run,omitzero"` // tell what would be done, and do nothing
	Before        string    `json:"before,omitempty"` // where the page begins: the next of the one before
	Limit         int       `json:"limit,omitempty"`  // of the page; 0: 100
}

// ManyRevoked is what one page came to.
type ManyRevoked struct {
	Found   int           `json:"found"`   // certificates of the page
	Changed int           `json:"changed"` // of these, revoked now or given another reason; in a dry run, those that would be
	Sample  []Certificate `json:"sample"`  // some of them, as they were before
	Next    string        `json:"next,omitempty"`
}

// RevokeMany revokes one page of the certificates that a set selects.
func (c *Client) RevokeMany(ctx context.Context, m ManyRevocations) (ManyRevoked, error) {
	return call[ManyRevoked](ctx, c, http.MethodPost, revocations, m)
}
