package acme

import (
	"context"
	"net/http"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// directory lists the resources that work, and no others (RFC 8555 section 7.1.1).
func (d *door) directory(ctx context.Context, r *request) (web.Reply, error) {
	profiles, err := d.service.Profiles(ctx, r.connector)
	if err != nil {
		return web.Reply{}, err
	}
	rules := r.connector.Rules
	out := wire.Directory{
		NewNonce:    r.urls.resource("new-nonce"),
		NewAccount:  r.urls.resource("new-account"),
		NewOrder:    r.urls.resource("new-order"),
		RevokeCert:  r.urls.resource("revoke-cert"),
		KeyChange:   r.urls.resource("key-change"),
		RenewalInfo: r.urls.resource("renewal-info"),
		Meta: wire.Meta{
			TermsOfService: rules.TermsOfService, Website: rules.Website, CAAIdentities: rules.CAAIdentities,
			ExternalAccountRequired: rules.ExternalBinding, Profiles: make(map[string]string, len(profiles)),
			SubdomainAuthAllowed: rules.Subdomains != policy.NoSubdomains,
		},
	}
	if d.external != "" && rules.Persist.Draft == persist.Draft02 && slices.Contains(rules.Offered(), acme.DNSPersist01) {
		out.Meta.IssuerDomainNames, out.Meta.AccountHashPrefix = rules.Persist.Issuers, r.urls.account("")
	}
	if rules.PreAuthorize {
		out.NewAuthz = r.urls.resource("new-authz")
	}
	for _, p := range profiles {
		out.Meta.Profiles[p.Name] = p.Spec.Description
	}
	return object(http.StatusOK, out)
}

// newNonce says nothing: the nonce stands in the header, as in every reply (RFC 8555 section 7.2).
func (d *door) newNonce(_ context.Context, r *request) (web.Reply, error) {
	if r.http.Method == http.MethodHead {
		return web.Reply{Status: http.StatusOK}, nil
	}
	return web.Reply{Status: http.StatusNoContent}, nil
}
