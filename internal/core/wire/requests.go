package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// NewAccount is a newAccount request (RFC 8555 section 7.3).
type NewAccount struct {
	Contact              []string `json:"contact"`
	TermsOfServiceAgreed bool     `json:"termsOfServiceAgreed"`
	// OnlyReturnExisting: "If this field is present with the value 'true', then the server MUST NOT create a new account
	// if one does not already exist."
	OnlyReturnExisting bool `json:"onlyReturnExisting"`
	// ExternalAccountBinding: "a binding JWS to indicate the external account holder's approval of the ACME account key"
	// (section 7.3.4). It is nil without one.
	ExternalAccountBinding json.RawMessage `json:"externalAccountBinding"`
}

// ParseNewAccount reads a newAccount request. Errors are [fault.Malformed], as for all requests.
func ParseNewAccount(payload []byte) (NewAccount, error) {
	var r NewAccount
	err := strictjson.Decode(payload, &r)
	r.ExternalAccountBinding = present(r.ExternalAccountBinding)
	return r, err
}

// AccountUpdate is a change of an account (RFC 8555 sections 7.3.2 and 7.3.6).
type AccountUpdate struct {
	Contact *[]string   // nil: stays as it is; empty: none from now on
	Status  acme.Status // acme.Deactivated ends the account; others are ignored
}

// ParseAccountUpdate reads a request to an account URL.
func ParseAccountUpdate(payload []byte) (AccountUpdate, error) {
	var r struct {
		Contact *[]string   `json:"contact"`
		Status  acme.Status `json:"status"`
	}
	err := strictjson.Decode(payload, &r)
	return AccountUpdate(r), err
}

// KeyChange is the payload of the inner JWS of a keyChange request (RFC 8555 section 7.3.5).
type KeyChange struct {
	// Account: "The content of this field MUST be the exact string provided in the Location header field in response to
	// the newAccount request that created the account."
	Account string `json:"account"`
	// OldKey: "The JWK representation of the old key."
	OldKey json.RawMessage `json:"oldKey"`
}

// ParseKeyChange reads the payload of the inner JWS, both members of which must be there.
func ParseKeyChange(payload []byte) (KeyChange, error) {
	var r KeyChange
	if err := strictjson.Decode(payload, &r); err != nil {
		return r, err
	}
	if r.OldKey = present(r.OldKey); r.OldKey == nil || r.Account == "" {
		return r, fault.New(fault.Malformed, `The inner JWS of a key change must hold "account" and "oldKey" (RFC 8555 section 7.3.5).`)
	}
	return r, nil
}

// AskedIdentifier is an identifier in a request.
type AskedIdentifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	// AncestorDomain, in newOrder: "The client MUST be able to fulfill a challenge against the ancestor domain." (RFC 9444
	// section 4.3) "" is none. The name "parentDomain" of the drafts is ignored like any other that is not known.
	AncestorDomain string `json:"ancestorDomain"`
	// SubdomainAuthAllowed, in newAuthz, says that the client "is requesting an authorization for the subdomains subordinate
	// to the specified domain" (RFC 9444 section 4.2).
	SubdomainAuthAllowed bool `json:"subdomainAuthAllowed"`
}

// NewOrder is a newOrder request (RFC 8555 section 7.4).
type NewOrder struct {
	Identifiers []AskedIdentifier
	NotBefore   time.Time // zero: not asked
	NotAfter    time.Time
	Profile     string // "" asks for the default (draft-ietf-acme-profiles)
	Replaces    string // "A string uniquely identifying a previously issued certificate that this order is intended to replace" (RFC 9773 section 5)
}

// ParseNewOrder reads a newOrder request.
func ParseNewOrder(payload []byte) (NewOrder, error) {
	var r struct {
		Identifiers []AskedIdentifier `json:"identifiers"`
		NotBefore   *string           `json:"notBefore"`
		NotAfter    *string           `json:"notAfter"`
		Profile     string            `json:"profile"`
		Replaces    string            `json:"replaces"`
	}
	if err := strictjson.Decode(payload, &r); err != nil {
		return NewOrder{}, err
	}
	order := NewOrder{Identifiers: r.Identifiers, Profile: r.Profile, Replaces: r.Replaces}
	var err error
	if order.NotBefore, err = asked("notBefore", r.NotBefore); err != nil {
		return NewOrder{}, err
	}
	order.NotAfter, err = asked("notAfter", r.NotAfter)
	return order, err
}

// ParseNewAuthorization reads a newAuthz request: "The identifier to appear in the resulting authorization object"
// (RFC 8555 section 7.4.1).
func ParseNewAuthorization(payload []byte) (AskedIdentifier, error) {
	var r struct {
		Identifier *AskedIdentifier `json:"identifier"`
	}
	if err := strictjson.Decode(payload, &r); err != nil {
		return AskedIdentifier{}, err
	}
	if r.Identifier == nil {
		return AskedIdentifier{}, fault.New(fault.Malformed, `The request has no "identifier".`)
	}
	return *r.Identifier, nil
}

// ParseDeactivation reads the one change that an authorization knows, "the static object {"status": "deactivated"}"
// (RFC 8555 section 7.5.2). Everything else is refused.
func ParseDeactivation(payload []byte) error {
	var r struct {
		Status acme.Status `json:"status"`
	}
	if err := strictjson.Decode(payload, &r); err != nil {
		return err
	}
	if r.Status != acme.Deactivated {
		return fault.New(fault.Malformed, `An authorization can only be changed to "deactivated"; to read it, send an empty payload.`)
	}
	return nil
}

// ParseChallengeResponse reads the response to a challenge: "The server MUST ignore any fields in the response object
// that are not specified as response fields for this type of challenge" (RFC 8555 section 7.5.1), and no type has any.
func ParseChallengeResponse(payload []byte) error { return strictjson.Decode(payload, &struct{}{}) }

// ParseFinalize reads a finalize request and returns the DER of its "csr" (RFC 8555 section 7.4).
func ParseFinalize(payload []byte) ([]byte, error) {
	var r struct {
		CSR strictjson.Bytes `json:"csr"`
	}
	if err := strictjson.Decode(payload, &r); err != nil {
		return nil, err
	}
	if len(r.CSR) == 0 {
		return nil, fault.New(fault.Malformed, `The request has no "csr".`)
	}
	return r.CSR, nil
}

// Revocation is a revokeCert request (RFC 8555 section 7.6).
type Revocation struct {
	Certificate []byte // DER: "this field uses base64url, and does not include headers"
	Reason      *int   // "One of the revocation reasonCodes defined in Section 5.3.1 of RFC 5280"; nil: none given
}

// ParseRevocation reads a revokeCert request. A reason that is no whole number is [fault.BadRevocationReason].
func ParseRevocation(payload []byte) (Revocation, error) {
	var r struct {
		Certificate strictjson.Bytes `json:"certificate"`
		Reason      json.RawMessage  `json:"reason"`
	}
	if err := strictjson.Decode(payload, &r); err != nil {
		return Revocation{}, err
	}
	if len(r.Certificate) == 0 {
		return Revocation{}, fault.New(fault.Malformed, `The request has no "certificate".`)
	}
	revocation := Revocation{Certificate: r.Certificate}
	if present(r.Reason) == nil {
		return revocation, nil
	}
	code, err := strconv.Atoi(string(r.Reason))
	if err != nil {
		return Revocation{}, fault.New(fault.BadRevocationReason, "The reason must be one of the codes of RFC 5280 section 5.3.1, as a number.")
	}
	revocation.Reason = &code
	return revocation, nil
}

// present returns nil for a member that is absent or null.
func present(value json.RawMessage) json.RawMessage {
	if bytes.Equal(value, []byte("null")) {
		return nil
	}
	return value
}
