package cli

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// credentialAnswers is what a door answers about a credential with everything.
func credentialAnswers() map[string]any {
	scoped := adminapi.Credential{
		ID: "kid2", Name: "print", Kind: "eab", Connector: "shops", Status: "active", Created: noon, FormerUntil: noon.Add(time.Hour),
		Scope: policy.Scope{
			Names: []string{".print.example.com", "10.3.0.0/16"}, Profiles: []string{"weekly"}, OrdersPerDay: 20, PreApproved: []string{"10.3.0.0/16"},
		},
		Revocation: &adminapi.Demand{
			Credential: "kid2", Name: "print", Reason: "superseded", By: "admin:local", Asked: noon.Add(-time.Minute), Revoked: 2400, Ended: noon,
		},
	}
	created := adminapi.CreatedCredential{
		KID: "kid2", HMAC: "c2VjcmV0", Directory: "https://ca.example.com/acme/shops/directory", HTTP01Port: 80, Credential: scoped,
	}
	return map[string]any{
		"GET /v1/credentials/kid2":                                   scoped,
		"POST /v1/credentials/kid2/rotate":                           created,
		"POST /v1/credentials/kid2/suspend?revoke_certificates=true": scoped,
		"POST /v1/credentials/kid2/revocation":                       *scoped.Revocation,
		"DELETE /v1/credentials/kid3?revoke_certificates=true":       scoped,
		"POST /v1/credentials/kid3/revocation":                       adminapi.Demand{Name: "web", Reason: "unspecified", Asked: noon},
	}
}
