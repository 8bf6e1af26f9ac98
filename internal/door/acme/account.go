package acme

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// newAccount creates the account of a key, or returns the one that it has (RFC 8555 section 7.3).
func (d *door) newAccount(ctx context.Context, r *request) (web.Reply, error) {
	asked, err := wire.ParseNewAccount(r.message.Payload)
	if err != nil {
		return web.Reply{}, err
	}
	account, created, err := d.service.NewAccount(ctx, r.connector, issue.NewAccount{
		Key: *r.key, Contacts: asked.Contact, TermsAgreed: asked.TermsOfServiceAgreed, OnlyExisting: asked.OnlyReturnExisting,
		Binding: asked.ExternalAccountBinding, URL: r.message.Header.URL, From: r.record.Client,
	})
	switch {
	case err != nil && account.Status() != acme.Valid:
		return web.Reply{}, asStopped(err)
	case fault.Is(err, fault.UserActionRequired):
		return web.Reply{}, withTerms(err, r.connector.Rules.TermsOfService)
	case err != nil:
		return web.Reply{}, err
	}
	r.record.Add(slog.String("account", account.ID))
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return object(status, r.urls.renderAccount(account), location(r.urls.account(account.ID)))
}

// withTerms tells a person where to agree (RFC 8555 section 7.3.3).
func withTerms(err error, url string) error {
	return &web.Refusal{Header: http.Header{"Link": {link(url, "terms-of-service")}}, Instance: url, Err: err}
}

// account shows, updates or ends the requester's account (RFC 8555 sections 7.3.2 and 7.3.6).
func (d *door) account(ctx context.Context, r *request) (web.Reply, error) {
	if err := r.checkOwn(); err != nil {
		return web.Reply{}, err
	}
	account := r.requester.Account
	if !r.message.PostAsGet {
		asked, err := wire.ParseAccountUpdate(r.message.Payload)
		if err != nil {
			return web.Reply{}, err
		}
		if account, err = d.update(ctx, r.requester, asked); err != nil {
			return web.Reply{}, err
		}
	}
	return object(http.StatusOK, r.urls.renderAccount(account))
}

// update does what is asked of an account. A deactivation may carry contacts, as some clients send them: they are ignored.
func (d *door) update(ctx context.Context, who issue.Requester, asked wire.AccountUpdate) (acme.Account, error) {
	switch {
	case asked.Status == acme.Deactivated:
		return d.service.DeactivateAccount(ctx, who)
	case asked.Contact != nil:
		return d.service.UpdateContacts(ctx, who, *asked.Contact)
	default:
		return who.Account, nil
	}
}

// checkOwn refuses the URL of any account but the signer's, whether it exists or not.
func (r *request) checkOwn() error {
	if r.vars[0] != r.requester.Account.ID {
		return fault.New(fault.Unauthorized, "This URL does not belong to the account that signed the request.")
	}
	return nil
}

// keyChange gives an account another key after checks 2 to 8 of RFC 8555 section 7.3.5. The first was made with the
// signature; the last is the use case's.
func (d *door) keyChange(ctx context.Context, r *request) (web.Reply, error) {
	key, err := newKey(r)
	if err != nil {
		return web.Reply{}, err
	}
	account, err := d.service.ChangeKey(ctx, r.requester, key)
	if taken, ok := errors.AsType[*fault.Error](err); ok && taken.Location != "" {
		return web.Reply{}, &web.Refusal{Header: http.Header{"Location": {r.urls.account(taken.Location)}}, Err: err}
	}
	if err != nil {
		return web.Reply{}, err
	}
	return object(http.StatusOK, r.urls.renderAccount(account))
}

// newKey returns the key of the inner JWS, which has been proven to be the wish of both keys.
func newKey(r *request) (jws.Key, error) {
	inner, err := jws.Parse(r.message.Payload) // check 2
	if err != nil {
		return jws.Key{}, inside("Inner JWS of the key change", err)
	}
	if inner.Header.Key == nil { // check 3
		return jws.Key{}, fault.New(fault.Malformed, `The inner JWS of a key change must have a "jwk", the new key.`)
	}
	if inner.Header.HasNonce {
		return jws.Key{}, fault.New(fault.Malformed, `The inner JWS of a key change must not have a "nonce".`)
	}
	if err := inner.Verify(*inner.Header.Key); err != nil { // check 4
		return jws.Key{}, inside("Inner JWS of the key change", err)
	}
	change, err := wire.ParseKeyChange(inner.Payload) // check 5
	if err != nil {
		return jws.Key{}, err
	}
	old, err := jws.ParseKey(change.OldKey)
	switch {
	case err != nil:
		return jws.Key{}, inside(`The "oldKey" of the key change`, err)
	case inner.Header.URL != r.message.Header.URL: // check 6
		return jws.Key{}, fault.New(fault.Malformed, "The inner JWS of the key change is signed for another URL than the outer one.")
	case change.Account != r.message.Header.KeyID: // check 7
		return jws.Key{}, fault.New(fault.Malformed, `The "account" of the key change is not the account that signed the request.`)
	case !old.Equal(r.requester.Account.Key): // check 8
		return jws.Key{}, fault.New(fault.Malformed, `The "oldKey" of the key change is not the key of the account.`)
	default:
		return *inner.Header.Key, nil
	}
}
