package probe

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxRedirects is how many redirects are followed (BR 3.2.2.4.19 leaves the number to the CA).
const maxRedirects = 10

// maxPadding is how much white space may follow the key authorization.
const maxPadding = 128

// http01 looks whether the URL of the token serves the key authorization (RFC 8555 section 8.3).
func (p *Prober) http01(ctx context.Context, r *record, g guard, l policy.Look) (seen string, err error) {
	seen, away, err := p.follow(ctx, r, g, l)
	if err != nil && away {
		return "", elsewhere(err, l.Identifier)
	}
	return seen, err
}

// follow walks along the redirects; away reports whether they have left the identifier's host.
func (p *Prober) follow(ctx context.Context, r *record, g guard, l policy.Look) (seen string, away bool, err error) {
	at := p.challengeLocation(l.Identifier, l.Token)
	visited := map[string]bool{}
	for range maxRedirects + 1 {
		if visited[at.key()] {
			r.notFollowed(at.url.String())
			return "", away, final(fault.IncorrectResponse, "The redirects from %s run in a circle.", l.Identifier)
		}
		visited[at.key()] = true
		got, err := p.get(ctx, r, g.toward(at), at, len(l.KeyAuthorization)+maxPadding)
		if err != nil {
			return "", away, err
		}
		if !isRedirect(got.status) {
			seen, err = judge(got, at, l.KeyAuthorization)
			return seen, away, err
		}
		to, err := p.redirect(at, got.locations, l.Identifier)
		if err != nil {
			r.notFollowed(got.locations...)
			return "", away, err
		}
		at, away = to, away || to.host != l.Identifier
	}
	r.notFollowed(at.url.String())
	return "", away, final(fault.IncorrectResponse, "%s redirects more than %d times.", l.Identifier, maxRedirects)
}

// elsewhere keeps what another host did from the requester, who chose that host by a redirect and may not be able to
// reach it: neither its URLs, nor its status, nor whether it answers, nor where it redirects to. The operator's evidence
// has all of it. Nor do retries tell whether the host is in a DNS that only the CA sees: without an address there is none.
func elsewhere(err error, id ident.Identifier) error {
	public := fault.Wrap(err, fault.IncorrectResponse,
		"%s redirects to another host, and that did not serve the key authorization. The operator of the CA can see what it did.", id)
	return &failure{public, Retryable(err) && fault.Is(err, fault.Connection)}
}

// isRedirect knows the redirects that keep the request as it is (BR 3.2.2.4.19); 300 and 303 lead elsewhere.
func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	default:
		return false
	}
}

// judge wants status 200 exactly, so that no error page counts that repeats what was asked for, and the key
// authorization alone, followed by nothing but white space.
func judge(got reply, at location, keyAuthorization string) (seen string, err error) {
	where := shown(at.url.String())
	body := bytes.TrimRight(got.body, " \t\r\n\v\f")
	switch {
	case got.status != http.StatusOK:
		return "", final(fault.IncorrectResponse, "%s answered with status %d instead of 200.", where, got.status)
	case len(got.body) > len(keyAuthorization)+maxPadding:
		return "", final(fault.IncorrectResponse, "%s answered with more than the key authorization.", where)
	case len(body) == 0:
		return "", final(fault.IncorrectResponse, "%s answered with an empty body instead of the key authorization.", where)
	case string(body) != keyAuthorization:
		return "", final(fault.IncorrectResponse, "%s answered with something else than the key authorization of this account and token.", where)
	}
	return fmt.Sprintf("The body at %s matches the key authorization.", where), nil
}
