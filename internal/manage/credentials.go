package manage

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// eabKeyBytes is the length of an EAB key: as long as the digest of HS256 (RFC 7518 section 3.2).
const eabKeyBytes = 32

// CredentialView is a credential with what an operator wants to know of it. It never has the secret.
type CredentialView struct {
	policy.Credential
	ConnectorName string
	Usable        bool // at the time of the answer
}

// NewCredential is what an operator asks for with CreateCredential.
type NewCredential struct {
	Name        string
	Connector   string    // name; "": Default
	MaxAccounts int       // 0: any number
	Expires     time.Time // zero: never
	Scope       policy.Scope
}

// CreateCredential makes a key for external account binding (RFC 8555 section 7.3.4). The key is returned this once and
// stored sealed. Errors: Malformed; NotFound for the connector; Conflict when the connector has one of that name.
func (s *Service) CreateCredential(ctx context.Context, by Actor, n NewCredential) (view CredentialView, key []byte, err error) {
	if n.Connector == "" {
		n.Connector = Default
	}
	connector, err := s.connector(ctx, n.Connector)
	if err != nil {
		return CredentialView{}, nil, err
	}
	c := policy.Credential{
		Organisation: connector.Organisation, Connector: connector.ID, Kind: policy.CredentialEAB, Created: s.now(),
		Terms: policy.Terms{Name: n.Name, MaxAccounts: n.MaxAccounts, Expires: n.Expires, Scope: n.Scope},
	}
	if c.Terms, err = s.editTerms(ctx, c, nil); err != nil {
		return CredentialView{}, nil, err
	}
	if c.ID, err = s.newID(); err != nil {
		return CredentialView{}, nil, err
	}
	if c.Sealed, key, err = s.newSecret(c.ID); err != nil {
		return CredentialView{}, nil, err
	}
	e, err := s.happening(by, event.CredentialCreated, c.Organisation, c.ID, c.Name)
	if err != nil {
		return CredentialView{}, nil, err
	}
	if err := s.store.CreateCredential(ctx, c, e); err != nil {
		return CredentialView{}, nil, err
	}
	return CredentialView{c, connector.Name, true}, key, nil
}

// newSecret makes a key and seals it. The context of the seal is the credential's id: a sealed key that is moved to
// another credential does not open.
func (s *Service) newSecret(credential string) (sealed, key []byte, err error) {
	key = make([]byte, eabKeyBytes)
	if _, err := io.ReadFull(s.random, key); err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	sealed, err = s.sealer.Seal(key, []byte(credential))
	return sealed, key, err
}

// Credentials returns the credentials of a connector, by name; "" stands for all connectors. Error: NotFound.
func (s *Service) Credentials(ctx context.Context, connector string) ([]CredentialView, error) {
	only, err := s.connectorID(ctx, connector)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Credentials(ctx, only)
	if err != nil {
		return nil, err
	}
	names, err := s.connectorNames(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]CredentialView, 0, len(all))
	for _, c := range all {
		views = append(views, s.viewCredential(c, names))
	}
	return views, nil
}

// Credential returns a credential by its id. Error: NotFound.
func (s *Service) Credential(ctx context.Context, id string) (CredentialView, error) {
	c, err := s.credential(ctx, id)
	if err != nil {
		return CredentialView{}, err
	}
	names, err := s.connectorNames(ctx)
	return s.viewCredential(c, names), err
}

func (s *Service) viewCredential(c policy.Credential, connectors map[string]string) CredentialView {
	usable, _ := c.Usable(s.now())
	return CredentialView{c, connectors[c.Connector], usable}
}

// SuspendCredential stops a credential, and with it every account that came in by it, until it is resumed. Suspending
// twice keeps the first date. With revoke, everything that those accounts have is revoked as well: the demand is
// recorded with the suspension, and ContinueRevocation and a job work it off. Errors: NotFound; BadRevocationReason.
func (s *Service) SuspendCredential(ctx context.Context, by Actor, id string, revoke *RevokeAll) (CredentialView, error) {
	c, err := s.credential(ctx, id)
	if err != nil {
		return CredentialView{}, err
	}
	if c.Suspended.IsZero() || revoke != nil {
		demand, e, err := s.stop(by, event.CredentialSuspended, c, revoke)
		if err != nil {
			return CredentialView{}, err
		}
		at := c.Suspended
		if at.IsZero() {
			at = s.now()
		}
		if err := s.store.SuspendCredential(ctx, id, at, demand, e); err != nil {
			return CredentialView{}, err
		}
	}
	return s.Credential(ctx, id)
}

// ResumeCredential lets a suspended credential and its accounts in again; an open one is left as it is. Errors: NotFound;
// Conflict while its certificates are being revoked.
func (s *Service) ResumeCredential(ctx context.Context, by Actor, id string) (CredentialView, error) {
	c, err := s.credential(ctx, id)
	if err != nil {
		return CredentialView{}, err
	}
	if !c.Suspended.IsZero() {
		e, err := s.happening(by, event.CredentialResumed, c.Organisation, c.ID, c.Name)
		if err != nil {
			return CredentialView{}, err
		}
		if err := s.store.SuspendCredential(ctx, id, time.Time{}, nil, e); err != nil {
			return CredentialView{}, err
		}
	}
	return s.Credential(ctx, id)
}

// DeleteCredential removes a credential and returns what it was. The accounts that came in by it are stopped for good;
// with revoke, what they have is revoked as with SuspendCredential. Errors: NotFound; BadRevocationReason.
func (s *Service) DeleteCredential(ctx context.Context, by Actor, id string, revoke *RevokeAll) (CredentialView, error) {
	view, err := s.Credential(ctx, id)
	if err != nil {
		return view, err
	}
	demand, e, err := s.stop(by, event.CredentialDeleted, view.Credential, revoke)
	if err != nil {
		return view, err
	}
	return view, s.store.DeleteCredential(ctx, id, demand, e)
}

func (s *Service) credential(ctx context.Context, id string) (policy.Credential, error) {
	c, err := s.store.Credential(ctx, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no credential %q; list them for their ids.", clip(id))
	}
	return c, err
}
