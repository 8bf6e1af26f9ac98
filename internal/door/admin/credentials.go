package admin

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (d *door) credentials(r *http.Request) (any, error) {
	found, err := d.manage.Credentials(r.Context(), parameter(r, "connector"))
	return adminapi.Credentials{Credentials: each(found, credential)}, err
}

func (d *door) createCredential(r *http.Request) (any, error) {
	var n adminapi.NewCredential
	if err := decode(r, &n); err != nil {
		return nil, err
	}
	c, key, err := d.manage.CreateCredential(r.Context(), d.by(r), manage.NewCredential{
		Name: n.Name, Connector: n.Connector, MaxAccounts: n.MaxAccounts, Expires: n.Expires, Scope: n.Scope,
	})
	return shown(c, err, d.showKey(key))
}

// credential shows a credential, and how far the revocation of its certificates is where one was demanded.
func (d *door) credential(r *http.Request) (any, error) {
	c, err := d.manage.Credential(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	wire := credential(c)
	found, err := d.manage.Demand(r.Context(), c.ID)
	switch {
	case err == nil:
		shown := demand(found)
		wire.Revocation = &shown
	case !fault.Is(err, fault.NotFound):
		return nil, err
	}
	return wire, nil
}

func (d *door) changeTerms(r *http.Request) (any, error) {
	var change adminapi.TermsChange
	if err := decode(r, &change); err != nil {
		return nil, err
	}
	c, err := d.manage.SetTerms(r.Context(), d.by(r), r.PathValue("id"), apply[policy.Terms](change))
	return shown(c, err, credential)
}

func (d *door) rotateCredential(r *http.Request) (any, error) {
	var asked adminapi.Rotation
	if err := decode(r, &asked); err != nil {
		return nil, err
	}
	c, key, err := d.manage.RotateCredential(r.Context(), d.by(r), r.PathValue("id"), asked.Grace.Duration())
	return shown(c, err, d.showKey(key))
}

func (d *door) suspendCredential(r *http.Request) (any, error) {
	return d.stop(r, d.manage.SuspendCredential)
}

func (d *door) deleteCredential(r *http.Request) (any, error) {
	deleted, err := d.stop(r, d.manage.DeleteCredential)
	if c, ok := deleted.(adminapi.Credential); ok {
		c.Status = adminapi.StatusDeleted
		return c, err
	}
	return deleted, err
}

func (d *door) resumeCredential(r *http.Request) (any, error) {
	c, err := d.manage.ResumeCredential(r.Context(), d.by(r), r.PathValue("id"))
	return shown(c, err, credential)
}

// stopping is a use case that ends a credential.
type stopping func(ctx context.Context, by manage.Actor, id string, revoke *manage.RevokeAll) (manage.CredentialView, error)

// stop ends a credential in one of two ways, with or without what its accounts have.
func (d *door) stop(r *http.Request, end stopping) (any, error) {
	revoke, err := boolOf(r, "revoke_certificates")
	if err != nil {
		return nil, err
	}
	var all *manage.RevokeAll
	switch reason := parameter(r, "reason"); {
	case revoke:
		all = &manage.RevokeAll{Reason: reason}
	case reason != "":
		return nil, fault.New(fault.Malformed, "A reason is for the revocation of the certificates; ask for that as well, or leave the reason out.")
	}
	c, err := end(r.Context(), d.by(r), r.PathValue("id"), all)
	return shown(c, err, credential)
}

func (d *door) revocation(r *http.Request) (any, error) {
	found, err := d.manage.Demand(r.Context(), r.PathValue("id"))
	return shown(found, err, demand)
}

func (d *door) continueRevocation(r *http.Request) (any, error) {
	found, err := d.manage.ContinueRevocation(r.Context(), r.PathValue("id"))
	return shown(found, err, demand)
}

func credential(c manage.CredentialView) adminapi.Credential {
	status := adminapi.StatusActive
	switch {
	case !c.Suspended.IsZero():
		status = adminapi.StatusSuspended
	case !c.Usable:
		status = adminapi.StatusExpired
	}
	return adminapi.Credential{
		ID: c.ID, Name: c.Name, Kind: c.Kind, Connector: c.ConnectorName, Status: status, MaxAccounts: c.MaxAccounts, Scope: c.Scope,
		Created: adminapi.Date(c.Created), Expires: adminapi.Date(c.Expires), Suspended: adminapi.Date(c.Suspended),
		FormerUntil: adminapi.Date(c.Former.Until),
	}
}

// showKey returns the view of a credential together with its new key, and what a client needs to use it.
func (d *door) showKey(key []byte) func(manage.CredentialView) adminapi.CreatedCredential {
	return func(c manage.CredentialView) adminapi.CreatedCredential {
		return adminapi.CreatedCredential{
			KID: c.ID, HMAC: base64.RawURLEncoding.EncodeToString(key),
			Directory: d.directory(c.ConnectorName), HTTP01Port: d.http01Port, Credential: credential(c),
		}
	}
}

func demand(d pki.Demand) adminapi.Demand {
	return adminapi.Demand{
		Credential: d.Credential, Name: d.Name, Reason: d.Reason.String(), By: d.Actor,
		Asked: adminapi.Date(d.Asked), Revoked: d.Revoked, Ended: adminapi.Date(d.Ended),
	}
}
