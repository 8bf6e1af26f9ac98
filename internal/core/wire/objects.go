package wire

import (
	"encoding/json"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/problem"
)

// Directory is the entry to a server: "This should be the only URL needed to configure clients." (RFC 8555 section 7.1.1)
type Directory struct {
	NewNonce   string `json:"newNonce"`
	NewAccount string `json:"newAccount"`
	NewOrder   string `json:"newOrder"`
	// NewAuthz: "If the ACME server does not implement pre-authorization, it MUST omit the 'newAuthz' field."
	NewAuthz   string `json:"newAuthz,omitempty"`
	RevokeCert string `json:"revokeCert"`
	KeyChange  string `json:"keyChange"`
	// RenewalInfo: "A Server that provides renewal information MUST include a 'renewalInfo' field" (RFC 9773 section 3).
	RenewalInfo string `json:"renewalInfo,omitempty"`
	Meta        Meta   `json:"meta,omitzero"`
}

// Meta is "metadata relating to the service provided by the ACME server" (RFC 8555 section 7.1.1).
type Meta struct {
	// TermsOfService: "A URL identifying the current terms of service."
	TermsOfService string `json:"termsOfService,omitempty"`
	// Website: "An HTTP or HTTPS URL locating a website providing more information about the ACME server."
	Website string `json:"website,omitempty"`
	// CAAIdentities: "Each string MUST represent the same sequence of ASCII code points that the server will expect to
	// see as the 'Issuer Domain Name' in a CAA issue or issuewild property tag."
	CAAIdentities []string `json:"caaIdentities,omitempty"`
	// ExternalAccountRequired: "If this field is present and set to 'true', then the CA requires that all newAccount
	// requests include an 'externalAccountBinding' field."
	ExternalAccountRequired bool `json:"externalAccountRequired,omitempty"`
	// Profiles maps the name of each profile on offer to a description for people (draft-ietf-acme-profiles).
	Profiles map[string]string `json:"profiles,omitempty"`
	// SubdomainAuthAllowed: "Indicates if an ACME server supports authorization of subdomains." (RFC 9444 section 4.4)
	SubdomainAuthAllowed bool `json:"subdomainAuthAllowed,omitempty"`
	// IssuerDomainNames are the names of this CA in records of dns-persist-01, AccountHashPrefix what the hashed URI of an
	// account begins with there (draft-ietf-acme-dns-persist-02). Where an earlier draft is on offer both are absent.
	IssuerDomainNames []string `json:"issuerDomainNames,omitempty"`
	AccountHashPrefix string   `json:"accountHashPrefix,omitempty"`
}

// Identifier is an identifier: "type (required, string)" and "value (required, string)" (RFC 8555 section 7.1.3).
type Identifier = problem.Identifier

// Account is an account (RFC 8555 section 7.1.2).
type Account struct {
	// Status: "Possible values are 'valid', 'deactivated', and 'revoked'."
	Status acme.Status `json:"status"`
	// Contact: "An array of URLs that the server can use to contact the client for issues related to this account."
	Contact []string `json:"contact,omitempty"`
	// TermsOfServiceAgreed: "indicates the client's agreement with the terms of service. This field cannot be updated by
	// the client."
	TermsOfServiceAgreed bool `json:"termsOfServiceAgreed,omitempty"`
	// ExternalAccountBinding: "The account object the CA returns MUST include an 'externalAccountBinding' field with the
	// same value as the field in the request." (section 7.3.4)
	ExternalAccountBinding json.RawMessage `json:"externalAccountBinding,omitempty"`
	// Orders (required): "A URL from which a list of orders submitted by this account can be fetched via a POST-as-GET
	// request."
	Orders string `json:"orders"`
}

// Orders is one page of an account's orders: "a JSON object whose 'orders' field is an array of URLs, each identifying
// an order belonging to the account" (RFC 8555 section 7.1.2.1).
type Orders struct {
	Orders []string `json:"orders"`
}

// Order is an order (RFC 8555 section 7.1.3).
type Order struct {
	// Status: "Possible values are 'pending', 'ready', 'processing', 'valid', and 'invalid'."
	Status acme.Status `json:"status"`
	// Expires: "The timestamp after which the server will consider this order invalid ... REQUIRED for objects with
	// 'pending' or 'valid' in the status field."
	Expires Time `json:"expires,omitzero"`
	// Identifiers: "An array of identifier objects that the order pertains to." "The elements of the 'authorizations' and
	// 'identifiers' arrays are immutable once set."
	Identifiers []Identifier `json:"identifiers"`
	// NotBefore and NotAfter: "The requested value ... in the certificate".
	NotBefore Time `json:"notBefore,omitzero"`
	NotAfter  Time `json:"notAfter,omitzero"`
	// Profile is the profile that the certificate will have, the default one included (draft-ietf-acme-profiles).
	Profile string `json:"profile,omitempty"`
	// Replaces: "If the Server accepts a new-order request with a 'replaces' field, it MUST reflect that field in the
	// response and in subsequent requests for the corresponding Order object." (RFC 9773 section 5)
	Replaces string `json:"replaces,omitempty"`
	// Error: "The error that occurred while processing the order, if any."
	Error *problem.Document `json:"error,omitempty"`
	// Authorizations: "The 'authorizations' array of the order SHOULD reflect all authorizations that the CA takes into
	// account in deciding to issue, even if some authorizations were fulfilled in earlier orders."
	Authorizations []string `json:"authorizations"`
	// Finalize: "A URL that a CSR must be POSTed to once all of the order's authorizations are satisfied."
	Finalize string `json:"finalize"`
	// Certificate: "A URL for the certificate that has been issued in response to this order."
	Certificate string `json:"certificate,omitempty"`
}

// Authorization is an authorization (RFC 8555 section 7.1.4).
type Authorization struct {
	// Identifier: "Wildcard domain names (with '*' as the first label) MUST NOT be included in authorization objects."
	Identifier Identifier `json:"identifier"`
	// Status: "Possible values are 'pending', 'valid', 'invalid', 'deactivated', 'expired', and 'revoked'."
	Status acme.Status `json:"status"`
	// Expires: "REQUIRED for objects with 'valid' in the 'status' field."
	Expires Time `json:"expires,omitzero"`
	// Challenges: "For pending authorizations, the challenges that the client can fulfill ... For valid authorizations,
	// the challenge that was validated. For invalid authorizations, the challenge that was attempted and failed."
	Challenges []Challenge `json:"challenges"`
	// Wildcard: "MUST be present and true for authorizations created as a result of a newOrder request containing a DNS
	// identifier with a value that was a wildcard domain name. For other authorizations, it MUST be absent."
	Wildcard bool `json:"wildcard,omitempty"`
	// SubdomainAuthAllowed: "MUST be present and true for authorizations where ACME server policy allows certificates to be
	// issued for any Domain Name in the domain subordinate" to the identifier (RFC 9444
	// section 4.1). Default: false.
	SubdomainAuthAllowed bool `json:"subdomainAuthAllowed,omitempty"`
}

// Challenge is a challenge (RFC 8555 section 8).
type Challenge struct {
	// Type: "The type of challenge encoded in the object."
	Type acme.Method `json:"type"`
	// URL: "The URL to which a response can be posted."
	URL string `json:"url"`
	// Status (required): "Possible values are 'pending', 'processing', 'valid', and 'invalid'."
	Status acme.Status `json:"status"`
	// Token: "A random value that uniquely identifies the challenge. This value MUST have at least 128 bits of entropy."
	// (section 8.3)
	Token string `json:"token,omitempty"`
	// AccountURI and IssuerNames stand in dns-persist-01 up to draft-ietf-acme-dns-persist-01, which deployed CAs and clients
	// follow; IssuerDomainNames from -02 on: "A list of one or more Issuer Domain Names."
	AccountURI        string   `json:"accounturi,omitempty"`
	IssuerNames       []string `json:"issuer-domain-names,omitempty"`
	IssuerDomainNames []string `json:"issuerDomainNames,omitempty"`
	// Validated: "REQUIRED if the 'status' field is 'valid'."
	Validated Time `json:"validated,omitzero"`
	// Error: "A challenge object with an error MUST have status equal to 'invalid'."
	Error *problem.Document `json:"error,omitempty"`
}
