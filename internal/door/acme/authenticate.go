package acme

import (
	"context"
	"log/slog"
	"mime"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// maxBody bounds the body of a request, in octets.
const maxBody = jws.MaxBody

// request is one request on its way through the door. What stands after message is set by authenticate, and only on a
// POST: there it may be believed.
type request struct {
	http      *http.Request
	record    *web.Record
	connector policy.Connector
	urls      urls
	vars      []string // the variable parts of the path

	message   *jws.Message
	requester issue.Requester // who signed by account
	key       *jws.Key        // or the key that signed itself
}

// authenticate believes a POST or refuses it (RFC 8555 sections 6.2 to 6.5). Each step works on what the one before
// has accepted, and only the nonce keeps a trace.
func (d *door) authenticate(route route, r *request) error {
	body, err := readBody(r.http)
	if err != nil {
		return err
	}
	if r.message, err = jws.Parse(body); err != nil {
		d.spend(body)
		return err
	}
	if err := d.checkNonce(r.message.Header); err != nil {
		return err
	}
	if sent := r.urls.base + r.http.RequestURI; r.message.Header.URL != sent {
		return fault.New(fault.Unauthorized, "The JWS is signed for another URL; this request was sent to %s.", sent)
	}
	if err := d.checkSigner(r.http.Context(), route.signer, r); err != nil {
		return err
	}
	if route.access != posted && !r.message.PostAsGet {
		return fault.New(fault.Malformed, "This resource can only be read: send the empty payload of a POST-as-GET (RFC 8555 section 6.3).")
	}
	return nil
}

// readBody returns the body of a request of the right media type.
func readBody(r *http.Request) ([]byte, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != wire.JOSE || len(r.Header.Values("Content-Type")) != 1 {
		return nil, web.Refuse(http.StatusUnsupportedMediaType, "Requests are sent with the media type %s (RFC 8555 section 6.2).", wire.JOSE)
	}
	return web.ReadBody(r)
}

// spendUnread spends the nonce of a POST that was refused before anybody read its body, as for a wrong media type or a
// path without resource.
func (d *door) spendUnread(r *http.Request) {
	if body, err := web.ReadBody(r); err == nil { // empty when it was read
		d.spend(body)
	}
}

// spend spends what nonces a body has that is not read to its end: "once a nonce value has appeared in an ACME request,
// the server MUST consider it invalid" (RFC 8555 section 6.5). A body that is refused for its length, or that did not
// arrive whole, is not looked at: its nonces stay good until they are used, or the window has passed them.
func (d *door) spend(body []byte) {
	for _, n := range jws.Nonces(body) {
		_ = d.nonces.Spend(n) // the request is refused anyway
	}
}

func (d *door) checkNonce(h jws.Header) error {
	if !h.HasNonce {
		return fault.New(fault.BadNonce, "The JWS has no nonce; repeat the request with the one in Replay-Nonce.")
	}
	return d.nonces.Spend(h.Nonce)
}

// checkSigner verifies the signature and finds out who may ask.
func (d *door) checkSigner(ctx context.Context, s signer, r *request) error {
	embedded := r.message.Header.Key
	switch {
	case embedded != nil && s == byAccount:
		return fault.New(fault.Malformed, `This resource is for accounts: sign with "kid", the URL of the account, in place of "jwk".`)
	case embedded == nil && s == byKey:
		return fault.New(fault.Malformed, `A new account is signed with "jwk", its key, in place of "kid".`)
	case embedded != nil:
		r.key = embedded
		return r.message.Verify(*embedded)
	default:
		return d.admit(ctx, r)
	}
}

// admit verifies the signature of an account. An account that has ended, or was stopped, is answered with 401 (RFC 8555
// section 7.3.6), but only when the signature shows that its owner asks.
func (d *door) admit(ctx context.Context, r *request) error {
	id, ok := r.urls.accountID(r.message.Header.KeyID)
	if !ok {
		return fault.New(fault.NoAccount, `The "kid" is not the URL of an account here; newAccount gives it in Location.`)
	}
	account, err := d.service.Account(ctx, r.connector, id)
	if err != nil {
		return err
	}
	if err := r.message.Verify(account.Key); err != nil {
		return err
	}
	r.record.Add(slog.String("account", account.ID))
	r.requester, err = d.service.Admit(ctx, r.connector, account)
	return asStopped(err)
}

// whyRefused looks again at the account of a request that was refused after it was admitted: when it has ended or was
// stopped meanwhile, that is the reason, and it is told as admit tells it.
func (d *door) whyRefused(r *request, refusal error) error {
	if r.requester.Account.ID == "" || !fault.Is(refusal, fault.Unauthorized) && !fault.Is(refusal, fault.NotReady) {
		return refusal
	}
	account, err := d.service.Account(r.http.Context(), r.connector, r.requester.Account.ID)
	if err != nil {
		return refusal
	}
	if _, err = d.service.Admit(r.http.Context(), r.connector, account); fault.Is(err, fault.Unauthorized) {
		return asStopped(err)
	}
	return refusal
}

// asStopped gives the refusal of an account that has ended its status (RFC 8555 section 7.3.6), with the challenge that
// every 401 owes (RFC 9110 section 15.5.2). No scheme is registered for the signatures of ACME, so its own name stands
// there: no client mistakes it for a scheme that asks for a password.
func asStopped(err error) error {
	if fault.Is(err, fault.Unauthorized) {
		return &web.Refusal{Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {"ACME"}}, Err: err}
	}
	return err
}
