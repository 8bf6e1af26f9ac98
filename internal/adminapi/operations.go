package adminapi

import (
	"context"
	"net/http"
)

const (
	organisations = "/v1/organisations"
	connectors    = "/v1/connectors"
	credentials   = "/v1/credentials"
	perspectives  = "/v1/perspectives"
	profiles      = "/v1/profiles"
	issuers       = "/v1/issuers"
	blockedKeys   = "/v1/keys/blocked"
	accounts      = "/v1/accounts"
	orders        = "/v1/orders"
	certificates  = "/v1/certificates"
	overrides     = "/v1/renewal-overrides"
	events        = "/v1/events"
	clock         = "/v1/clock"
)

// CreateOrganisation adds an organisation.
func (c *Client) CreateOrganisation(ctx context.Context, n NewOrganisation) (Organisation, error) {
	return call[Organisation](ctx, c, http.MethodPost, organisations, n)
}

// Organisations lists the organisations.
func (c *Client) Organisations(ctx context.Context) (Organisations, error) {
	return call[Organisations](ctx, c, http.MethodGet, organisations, nil)
}

// CreateConnector adds a connector.
func (c *Client) CreateConnector(ctx context.Context, n NewConnector) (Connector, error) {
	return call[Connector](ctx, c, http.MethodPost, connectors, n)
}

// Connectors lists the connectors.
func (c *Client) Connectors(ctx context.Context) (Connectors, error) {
	return call[Connectors](ctx, c, http.MethodGet, connectors, nil)
}

// Connector shows a connector by its name.
func (c *Client) Connector(ctx context.Context, name string) (Connector, error) {
	return call[Connector](ctx, c, http.MethodGet, at(connectors, name), nil)
}

// ChangeRules changes some rules of a connector.
func (c *Client) ChangeRules(ctx context.Context, name string, change RulesChange) (Connector, error) {
	return call[Connector](ctx, c, http.MethodPatch, at(connectors, name), change)
}

// SuspendConnector closes a connector until it is resumed.
func (c *Client) SuspendConnector(ctx context.Context, name string) (Connector, error) {
	return call[Connector](ctx, c, http.MethodPost, at(connectors, name, "suspend"), nil)
}

// ResumeConnector opens a suspended connector again.
func (c *Client) ResumeConnector(ctx context.Context, name string) (Connector, error) {
	return call[Connector](ctx, c, http.MethodPost, at(connectors, name, "resume"), nil)
}

// CreateCredential makes a key for external account binding. Only this answer has the key.
func (c *Client) CreateCredential(ctx context.Context, n NewCredential) (CreatedCredential, error) {
	return call[CreatedCredential](ctx, c, http.MethodPost, credentials, n)
}

// Credentials lists the credentials of a connector; "" stands for all.
func (c *Client) Credentials(ctx context.Context, connector string) (Credentials, error) {
	return call[Credentials](ctx, c, http.MethodGet, query{}.set("connector", connector).on(credentials), nil)
}

// Credential shows a credential by its id, the kid.
func (c *Client) Credential(ctx context.Context, id string) (Credential, error) {
	return call[Credential](ctx, c, http.MethodGet, at(credentials, id), nil)
}

// ChangeTerms changes some terms of a credential.
func (c *Client) ChangeTerms(ctx context.Context, id string, change TermsChange) (Credential, error) {
	return call[Credential](ctx, c, http.MethodPatch, at(credentials, id), change)
}

// RotateCredential gives a credential a new key. Only this answer has it.
func (c *Client) RotateCredential(ctx context.Context, id string, r Rotation) (CreatedCredential, error) {
	return call[CreatedCredential](ctx, c, http.MethodPost, at(credentials, id, "rotate"), r)
}

// SuspendCredential stops a credential, and every account that came in by it, until it is resumed.
func (c *Client) SuspendCredential(ctx context.Context, id string, s StopCredential) (Credential, error) {
	return call[Credential](ctx, c, http.MethodPost, s.query().on(at(credentials, id, "suspend")), nil)
}

// ResumeCredential lets a suspended credential and its accounts in again.
func (c *Client) ResumeCredential(ctx context.Context, id string) (Credential, error) {
	return call[Credential](ctx, c, http.MethodPost, at(credentials, id, "resume"), nil)
}

// DeleteCredential removes a credential; the accounts that came in by it are stopped for good. It returns what it was.
func (c *Client) DeleteCredential(ctx context.Context, id string, s StopCredential) (Credential, error) {
	return call[Credential](ctx, c, http.MethodDelete, s.query().on(at(credentials, id)), nil)
}

func (s StopCredential) query() query {
	q := query{}.set("reason", s.Reason)
	if s.Revoke {
		q.set("revoke_certificates", "true")
	}
	return q
}

// ContinueRevocation works off a part of what was demanded of a credential's certificates, and returns how far it is. It
// goes on by itself while a server runs.
func (c *Client) ContinueRevocation(ctx context.Context, id string) (Demand, error) {
	return call[Demand](ctx, c, http.MethodPost, at(credentials, id, "revocation"), nil)
}

// Revocation shows how far that is.
func (c *Client) Revocation(ctx context.Context, id string) (Demand, error) {
	return call[Demand](ctx, c, http.MethodGet, at(credentials, id, "revocation"), nil)
}

// Perspectives lists the validators on other machines, as they are found now.
func (c *Client) Perspectives(ctx context.Context) (Perspectives, error) {
	return call[Perspectives](ctx, c, http.MethodGet, perspectives, nil)
}

// Perspective shows a perspective by its name, as it is found now.
func (c *Client) Perspective(ctx context.Context, name string) (Perspective, error) {
	return call[Perspective](ctx, c, http.MethodGet, at(perspectives, name), nil)
}

// CreatePerspective makes a validator known.
func (c *Client) CreatePerspective(ctx context.Context, n NewPerspective) (Perspective, error) {
	return call[Perspective](ctx, c, http.MethodPost, perspectives, n)
}

// DeletePerspective forgets a validator, and returns what it was.
func (c *Client) DeletePerspective(ctx context.Context, name string) (Perspective, error) {
	return call[Perspective](ctx, c, http.MethodDelete, at(perspectives, name), nil)
}

// Profiles lists the newest version of each profile.
func (c *Client) Profiles(ctx context.Context) (Profiles, error) {
	return call[Profiles](ctx, c, http.MethodGet, profiles, nil)
}

// Profile shows the newest version of a profile of an organisation by its name; "" stands for the default organisation.
func (c *Client) Profile(ctx context.Context, organisation, name string) (Profile, error) {
	return call[Profile](ctx, c, http.MethodGet, query{}.set("organisation", organisation).on(at(profiles, name)), nil)
}

// SaveProfile makes a profile, or a new version of it, from the newest version and the change.
func (c *Client) SaveProfile(ctx context.Context, organisation, name string, change SpecChange) (Profile, error) {
	return call[Profile](ctx, c, http.MethodPatch, query{}.set("organisation", organisation).on(at(profiles, name)), change)
}

// Issuers lists the issuers, newest first.
func (c *Client) Issuers(ctx context.Context) (Issuers, error) {
	return call[Issuers](ctx, c, http.MethodGet, issuers, nil)
}

// Issuer shows an issuer by its id, or the newest of a name.
func (c *Client) Issuer(ctx context.Context, ref string) (Issuer, error) {
	return call[Issuer](ctx, c, http.MethodGet, at(issuers, ref), nil)
}

// ImportIssuer brings an existing CA.
func (c *Client) ImportIssuer(ctx context.Context, n NewIssuer) (Issuer, error) {
	return call[Issuer](ctx, c, http.MethodPost, issuers, n)
}

// CreateIssuer makes an issuer of a new name below another one, which is given by its id or name.
func (c *Client) CreateIssuer(ctx context.Context, parent string, n IssuerBelow) (Issuer, error) {
	return call[Issuer](ctx, c, http.MethodPost, at(issuers, parent, "below"), n)
}

// CrossIssuer makes a cross-certificate of an issuer.
func (c *Client) CrossIssuer(ctx context.Context, ref string, n CrossIssuer) (Issuer, error) {
	return call[Issuer](ctx, c, http.MethodPost, at(issuers, ref, "cross"), n)
}

// BlockKeys has keys certified never again.
func (c *Client) BlockKeys(ctx context.Context, b BlockKeys) (KeysBlocked, error) {
	return call[KeysBlocked](ctx, c, http.MethodPost, blockedKeys, b)
}

// BlockedKeys lists the blocked keys after a hash, "" for the start, at most limit.
func (c *Client) BlockedKeys(ctx context.Context, after string, limit int) (BlockedKeys, error) {
	path := query{}.set("after", after).page(Page{Limit: limit}).on(blockedKeys)
	return call[BlockedKeys](ctx, c, http.MethodGet, path, nil)
}

// NextIssuer makes the next issuer of a name at once, signed by the parent of the present one.
func (c *Client) NextIssuer(ctx context.Context, ref string, n NextIssuer) (Issuer, error) {
	return call[Issuer](ctx, c, http.MethodPost, at(issuers, ref, "next"), n)
}

// Accounts lists the accounts of a connector, newest first; "" stands for all connectors.
func (c *Client) Accounts(ctx context.Context, connector string, p Page) (Accounts, error) {
	return call[Accounts](ctx, c, http.MethodGet, query{}.set("connector", connector).page(p).on(accounts), nil)
}

// Account shows an account by its id.
func (c *Client) Account(ctx context.Context, id string) (Account, error) {
	return call[Account](ctx, c, http.MethodGet, at(accounts, id), nil)
}

// Records lists the records in DNS that name an account and prove control of a name, a wildcard with its "*.".
func (c *Client) Records(ctx context.Context, account, name string) (Records, error) {
	return call[Records](ctx, c, http.MethodGet, query{}.set("name", name).on(at(accounts, account, "records")), nil)
}

// RevokeAccount ends an account for good. Its certificates stay valid.
func (c *Client) RevokeAccount(ctx context.Context, id string) (Account, error) {
	return call[Account](ctx, c, http.MethodPost, at(accounts, id, "revoke"), nil)
}

// Orders lists the orders of a connector, newest first; "" stands for all connectors.
func (c *Client) Orders(ctx context.Context, connector string, p Page) (Orders, error) {
	return call[Orders](ctx, c, http.MethodGet, query{}.set("connector", connector).page(p).on(orders), nil)
}

// Order shows an order with its authorizations and the evidence of every attempt.
func (c *Client) Order(ctx context.Context, id string) (Order, error) {
	return call[Order](ctx, c, http.MethodGet, at(orders, id), nil)
}

// Certificates lists certificates, newest first.
func (c *Client) Certificates(ctx context.Context, f CertificateFilter) (Certificates, error) {
	q := query{}.set("name", f.Name).set("connector", f.Connector).set("account", f.Account).set("credential", f.Credential).set("order", f.Order).
		set("profile", f.Profile).set("issuer", f.Issuer).time("issued_before", f.IssuedBefore).time("issued_after", f.IssuedAfter).
		time("expires_before", f.ExpiresBefore).time("expires_after", f.ExpiresAfter).page(f.Page)
	if f.Revoked {
		q.set("revoked", "true")
	}
	return call[Certificates](ctx, c, http.MethodGet, q.on(certificates), nil)
}

// Certificate shows a certificate by its serial number or its id, with its chain in PEM.
func (c *Client) Certificate(ctx context.Context, ref string) (Certificate, error) {
	return call[Certificate](ctx, c, http.MethodGet, at(certificates, ref), nil)
}

// RevokeCertificate revokes a certificate by its serial number or its id, and returns it as it is afterwards.
func (c *Client) RevokeCertificate(ctx context.Context, ref string, r Revocation) (RevokedCertificate, error) {
	return call[RevokedCertificate](ctx, c, http.MethodPost, at(certificates, ref, "revoke"), r)
}

// OverrideRenewal moves the renewal of a set of certificates, and says how many they are.
func (c *Client) OverrideRenewal(ctx context.Context, n NewRenewalOverride) (CreatedRenewalOverride, error) {
	return call[CreatedRenewalOverride](ctx, c, http.MethodPost, overrides, n)
}

// RenewalOverrides lists the overrides in force; with ended set, those that have ended too.
func (c *Client) RenewalOverrides(ctx context.Context, ended bool) (RenewalOverrides, error) {
	q := query{}
	if ended {
		q.set("ended", "true")
	}
	return call[RenewalOverrides](ctx, c, http.MethodGet, q.on(overrides), nil)
}

// EndRenewalOverride gives the certificates of an override their own windows back.
func (c *Client) EndRenewalOverride(ctx context.Context, id string) (RenewalOverride, error) {
	return call[RenewalOverride](ctx, c, http.MethodPost, at(overrides, id, "end"), nil)
}

// Events lists what happened to an object, newest first; "" stands for everything.
func (c *Client) Events(ctx context.Context, object string, p Page) (Events, error) {
	return call[Events](ctx, c, http.MethodGet, query{}.set("object", object).page(p).on(events), nil)
}

// AcceptClock lets issuance go on though the log has events that a clock dated which was ahead.
func (c *Client) AcceptClock(ctx context.Context) (Clock, error) {
	return call[Clock](ctx, c, http.MethodPost, at(clock, "accept"), nil)
}
