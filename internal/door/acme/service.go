package acme

import (
	"context"
	"net/netip"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// Service is what the door needs of the use cases. The promises stand at [issue.Service], which satisfies it.
type Service interface {
	connectors
	accounts
	orders
	authorizations
	certificates
}

type connectors interface {
	Connector(ctx context.Context, kind policy.Kind, name string) (policy.Connector, error)
	Profiles(ctx context.Context, c policy.Connector) ([]pki.Profile, error)
}

type accounts interface {
	Account(ctx context.Context, c policy.Connector, id string) (acme.Account, error)
	Admit(ctx context.Context, c policy.Connector, a acme.Account) (issue.Requester, error)
	NewAccount(ctx context.Context, c policy.Connector, n issue.NewAccount) (acme.Account, bool, error)
	UpdateContacts(ctx context.Context, r issue.Requester, contacts []string) (acme.Account, error)
	DeactivateAccount(ctx context.Context, r issue.Requester) (acme.Account, error)
	ChangeKey(ctx context.Context, r issue.Requester, key jws.Key) (acme.Account, error)
}

type orders interface {
	NewOrder(ctx context.Context, r issue.Requester, n issue.NewOrder) (issue.OrderView, error)
	Order(ctx context.Context, r issue.Requester, id string) (issue.OrderView, error)
	Orders(ctx context.Context, r issue.Requester, before string) (ids []string, next string, err error)
	Finalize(ctx context.Context, r issue.Requester, id string, csr []byte) (issue.OrderView, error)
}

type authorizations interface {
	NewAuthorization(ctx context.Context, r issue.Requester, name issue.Name) (issue.AuthorizationView, error)
	Authorization(ctx context.Context, r issue.Requester, id string) (issue.AuthorizationView, error)
	DeactivateAuthorization(ctx context.Context, r issue.Requester, id string) (issue.AuthorizationView, error)
	Respond(ctx context.Context, r issue.Requester, authorization string, m acme.Method) (issue.AuthorizationView, error)
}

type certificates interface {
	Certificate(ctx context.Context, r issue.Requester, id string) (issue.Download, error)
	Revoke(ctx context.Context, r issue.Revocation) error
	Renewal(ctx context.Context, c policy.Connector, from netip.Addr, id string) (ari.Advice, error)
}
