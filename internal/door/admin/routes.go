package admin

import "net/http"

// routes returns every operation of the door.
func routes() []route {
	page := []string{"before", "limit"}
	stop := []string{"revoke_certificates", "reason"}
	return []route{
		{http.MethodGet, "/v1/organisations", nil, (*door).organisations},
		{http.MethodPost, "/v1/organisations", nil, (*door).createOrganisation},

		{http.MethodGet, "/v1/connectors", nil, (*door).connectors},
		{http.MethodPost, "/v1/connectors", nil, (*door).createConnector},
		{http.MethodGet, "/v1/connectors/{name}", nil, (*door).connector},
		{http.MethodPatch, "/v1/connectors/{name}", nil, (*door).changeRules},
		{http.MethodPost, "/v1/connectors/{name}/suspend", nil, (*door).suspendConnector},
		{http.MethodPost, "/v1/connectors/{name}/resume", nil, (*door).resumeConnector},

		{http.MethodGet, "/v1/credentials", []string{"connector"}, (*door).credentials},
		{http.MethodPost, "/v1/credentials", nil, (*door).createCredential},
		{http.MethodGet, "/v1/credentials/{id}", nil, (*door).credential},
		{http.MethodPatch, "/v1/credentials/{id}", nil, (*door).changeTerms},
		{http.MethodDelete, "/v1/credentials/{id}", stop, (*door).deleteCredential},
		{http.MethodPost, "/v1/credentials/{id}/rotate", nil, (*door).rotateCredential},
		{http.MethodPost, "/v1/credentials/{id}/suspend", stop, (*door).suspendCredential},
		{http.MethodPost, "/v1/credentials/{id}/resume", nil, (*door).resumeCredential},
		{http.MethodGet, "/v1/credentials/{id}/revocation", nil, (*door).revocation},
		{http.MethodPost, "/v1/credentials/{id}/revocation", nil, (*door).continueRevocation},

		{http.MethodGet, "/v1/perspectives", nil, (*door).perspectives},
		{http.MethodPost, "/v1/perspectives", nil, (*door).createPerspective},
		{http.MethodGet, "/v1/perspectives/{name}", nil, (*door).perspective},
		{http.MethodDelete, "/v1/perspectives/{name}", nil, (*door).deletePerspective},

		{http.MethodGet, "/v1/profiles", nil, (*door).profiles},
		{http.MethodGet, "/v1/profiles/{name}", []string{"organisation"}, (*door).profile},
		{http.MethodPatch, "/v1/profiles/{name}", []string{"organisation"}, (*door).saveProfile},

		{http.MethodGet, "/v1/issuers", nil, (*door).issuers},
		{http.MethodPost, "/v1/issuers", nil, (*door).importIssuer},
		{http.MethodGet, "/v1/issuers/{ref}", nil, (*door).issuer},
		{http.MethodGet, "/v1/keys/blocked", []string{"after", "limit"}, (*door).blockedKeys},
		{http.MethodPost, "/v1/keys/blocked", nil, (*door).blockKeys},
		{http.MethodPost, "/v1/issuers/{ref}/next", nil, (*door).nextIssuer},
		{http.MethodPost, "/v1/issuers/{ref}/below", nil, (*door).createIssuer},
		{http.MethodPost, "/v1/issuers/{ref}/cross", nil, (*door).crossIssuer},

		{http.MethodGet, "/v1/accounts", append(page, "connector"), (*door).accounts},
		{http.MethodGet, "/v1/accounts/{id}", nil, (*door).account},
		{http.MethodGet, "/v1/accounts/{id}/records", []string{"name"}, (*door).records},
		{http.MethodPost, "/v1/accounts/{id}/revoke", nil, (*door).revokeAccount},

		{http.MethodGet, "/v1/orders", append(page, "connector"), (*door).orders},
		{http.MethodGet, "/v1/orders/{id}", nil, (*door).order},

		{http.MethodPost, "/v1/why", nil, (*door).why},

		{http.MethodGet, "/v1/certificates", append(page, "name", "connector", "account", "credential", "order", "profile", "issuer",
			"issued_before", "issued_after", "expires_before", "expires_after", "revoked"), (*door).certificates},
		{http.MethodGet, "/v1/certificates/{ref}", nil, (*door).certificate},
		{http.MethodPost, "/v1/certificates/{ref}/revoke", nil, (*door).revokeCertificate},

		{http.MethodPost, "/v1/revocations", nil, (*door).revokeMany},
		{http.MethodGet, "/v1/renewal-overrides", []string{"ended"}, (*door).renewalOverrides},
		{http.MethodPost, "/v1/renewal-overrides", nil, (*door).overrideRenewal},
		{http.MethodPost, "/v1/renewal-overrides/{id}/end", nil, (*door).endRenewalOverride},

		{http.MethodGet, "/v1/events", append(page, "object"), (*door).events},
		{http.MethodPost, "/v1/clock/accept", nil, (*door).acceptClock},
	}
}
