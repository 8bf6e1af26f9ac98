package manage

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// AccountView is an account with the name of its connector.
type AccountView struct {
	acme.Account
	ConnectorName string
}

// Accounts returns a page of the accounts of a connector ("" for all), newest first, and where the next page begins; ""
// after the last. Errors: NotFound for the connector; Malformed for the page.
func (s *Service) Accounts(ctx context.Context, connector string, p Page) ([]AccountView, string, error) {
	only, err := s.connectorID(ctx, connector)
	if err != nil {
		return nil, "", err
	}
	found, next, err := turn(p, func(a acme.Account) string { return a.ID }, func(before string, limit int) ([]acme.Account, error) {
		return s.store.Accounts(ctx, only, before, limit)
	})
	if err != nil {
		return nil, "", err
	}
	names, err := s.connectorNames(ctx)
	if err != nil {
		return nil, "", err
	}
	views := make([]AccountView, 0, len(found))
	for _, a := range found {
		views = append(views, AccountView{a, names[a.Connector]})
	}
	return views, next, nil
}

// Account returns an account by its id. Error: NotFound.
func (s *Service) Account(ctx context.Context, id string) (AccountView, error) {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return AccountView{}, noSuch(err, "account", id)
	}
	return s.viewAccount(ctx, a)
}

func (s *Service) viewAccount(ctx context.Context, a acme.Account) (AccountView, error) {
	names, err := s.connectorNames(ctx)
	return AccountView{a, names[a.Connector]}, err
}

// RevokeAccount ends an account for good, and its orders that are not finalized. Its certificates stay valid. An
// account that has ended is left as it is. Error: NotFound.
func (s *Service) RevokeAccount(ctx context.Context, by Actor, id string) (AccountView, error) {
	view, err := s.Account(ctx, id)
	if err != nil {
		return view, err
	}
	connector, err := s.connector(ctx, view.ConnectorName)
	if err != nil {
		return view, err
	}
	e, err := s.happening(by, event.AccountRevoked, connector.Organisation, id, "")
	if err != nil {
		return view, err
	}
	view.Account, err = s.store.EndAccount(ctx, id, acme.Revoked, e)
	return view, err
}

// noSuch says that there is no object of this id, where that is what err tells.
func noSuch(err error, what, id string) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.New(fault.NotFound, "There is no %s %q; list the %ss for their ids.", what, clip(id), what)
}
