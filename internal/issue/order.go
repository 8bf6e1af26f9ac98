package issue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// tokenBytes makes tokens of 256 random bits; RFC 8555 section 8.1 wants 128.
const tokenBytes = 32

// ordersPerPage is how many orders one page of an account's list names at most.
const ordersPerPage = 100

// reuseMargin is how long an authorization must still be valid to be used for a new order: the client needs time.
const reuseMargin = 5 * time.Minute

// NewOrder is what a client asks for with newOrder.
type NewOrder struct {
	Names     []Name
	NotBefore time.Time // zero: not asked
	NotAfter  time.Time
	Profile   string // "" asks for the default
	Replaces  string // names the certificate whose place the new one takes (RFC 9773 section 5); "" names none
}

// NewOrder decides whether the requester may have such a certificate and opens the order. Authorizations that are
// valid already are used again; every other identifier gets a new one, which is valid at once where the requester's
// credential pre-approves it. Errors name each refused identifier; those of n.Replaces are told at predecessor, and
// AlreadyReplaced says that another order was first.
func (s *Service) NewOrder(ctx context.Context, r Requester, n NewOrder) (OrderView, error) {
	if err := open(r.Connector); err != nil {
		return OrderView{}, err
	}
	ids, err := parseNames(n.Names)
	if err != nil {
		return OrderView{}, err
	}
	if err := r.authority().Judge(ids); err != nil {
		return OrderView{}, err
	}
	asked, err := ancestors(r.authority(), n.Names)
	if err != nil {
		return OrderView{}, err
	}
	profile, err := s.profile(ctx, r.authority(), n.Profile)
	if err != nil {
		return OrderView{}, err
	}
	if r, err = s.under(ctx, r, profile); err != nil {
		return OrderView{}, err
	}
	now := s.now()
	if err := s.judgeNames(ctx, profile, ids, now); err != nil {
		return OrderView{}, err
	}
	if err := s.checkWindow(ctx, r.Connector, profile, n, now); err != nil {
		return OrderView{}, err
	}
	order := acme.Order{
		ID: s.newID(), Account: r.Account.ID, Connector: r.Connector.ID,
		Profile: profile.ID, ProfileName: profile.Name, Identifiers: ids,
		NotBefore: n.NotBefore, NotAfter: n.NotAfter,
		Created: now, Expires: now.Add(r.Connector.Rules.OrderLife.Duration()),
	}
	if err := s.succeed(ctx, r, n.Replaces, &order); err != nil {
		return OrderView{}, err
	}
	all, created, err := s.authorizations(ctx, r, order, asked)
	if err != nil {
		return OrderView{}, err
	}
	for _, a := range all {
		order.Authorizations = append(order.Authorizations, a.ID)
	}
	charges, err := s.orderCharges(ctx, r, order, created)
	if err != nil {
		return OrderView{}, err
	}
	told := s.event(r, event.OrderCreated, order.ID, approvals(all))
	if err := s.store.CreateOrder(ctx, order, created, told, charges...); err != nil {
		return OrderView{}, err
	}
	return s.viewOrder(order, all), nil
}

// authorizations returns the authorizations that the order rests on, in the sequence of its identifiers, and which of them
// are new. One may do for several identifiers. asked are the names above theirs at which identifiers are to be proven.
func (s *Service) authorizations(
	ctx context.Context, r Requester, o acme.Order, asked map[ident.Identifier]ident.Identifier,
) (all, created []acme.Authorization, err error) {
	held, err := s.holds(ctx, r, o)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range o.Identifiers {
		a, ok := proving(r.Connector.Rules, held, id)
		if !ok {
			ancestor, below := asked[id]
			if !below || r.authority().PreApproves(id) {
				ancestor, below = id, false
			}
			if a, err = s.newAuthorization(r, ancestor, below, o.Created); err != nil {
				return nil, nil, err
			}
			created = append(created, a)
			held = append(held, a)
		}
		if !slices.ContainsFunc(all, func(other acme.Authorization) bool { return other.ID == a.ID }) {
			all = append(all, a)
		}
	}
	return all, created, nil
}

// newAuthorization returns a new authorization for id, with subdomains also for the names below it. Error:
// RejectedIdentifier when no challenge can prove that.
func (s *Service) newAuthorization(r Requester, id ident.Identifier, subdomains bool, now time.Time) (acme.Authorization, error) {
	a := acme.Authorization{
		ID: s.newID(), Account: r.Account.ID, Connector: r.Connector.ID,
		Identifier: id.Base(), Wildcard: id.IsWildcard(), Subdomains: subdomains,
		Created: now, Expires: now.Add(r.Connector.Rules.OrderLife.Duration()),
	}
	if !subdomains {
		a = approve(r, a)
	}
	var err error
	if a.Challenges, err = s.challenges(r.Connector, a); a.Approved() {
		err = nil // it needs none
	}
	return a, err
}

// approvals says, for the log, what of an order rests on the word of an operator; "" when nothing does.
func approvals(all []acme.Authorization) string {
	var names []string
	for _, a := range all {
		if a.Approved() {
			names = append(names, a.Covers().Value())
		}
	}
	if len(names) == 0 {
		return ""
	}
	const most = 5
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return "pre-approved: " + strings.Join(names, ", ")
}

// NewAuthorization opens an authorization before any order (RFC 8555 section 7.4.1). Wildcards are refused there. Where the
// rules allow it, it covers the names below the name too if the requester asks for that (RFC 9444 section 4.2). What
// is pre-approved is valid at once, for itself alone.
func (s *Service) NewAuthorization(ctx context.Context, r Requester, name Name) (AuthorizationView, error) {
	if err := open(r.Connector); err != nil {
		return AuthorizationView{}, err
	}
	ids, err := parseNames([]Name{name})
	if err != nil {
		return AuthorizationView{}, err
	}
	if !r.Connector.Rules.PreAuthorize {
		return AuthorizationView{}, fault.New(fault.Unauthorized, "This connector offers no pre-authorization; begin with an order.")
	}
	if ids[0].IsWildcard() {
		return AuthorizationView{}, fault.New(fault.Malformed, "A wildcard cannot be authorized in advance; order it (RFC 8555 section 7.4.1).")
	}
	if err := r.authority().Judge(ids); err != nil {
		return AuthorizationView{}, err
	}
	below := name.SubdomainAuthAllowed && r.Connector.Rules.Below(ids[0]) && !r.authority().PreApproves(ids[0])
	a, err := s.newAuthorization(r, ids[0], below, s.now())
	if err != nil {
		return AuthorizationView{}, err
	}
	detail := ids[0].Value()
	if a.Approved() {
		detail = approvals([]acme.Authorization{a})
	}
	err = s.store.CreateAuthorization(ctx, a, s.event(r, event.AuthorizationCreated, a.ID, detail), advanceCharges(r, a)...)
	return s.viewAuthorization(a), err
}

// parseNames reads identifiers into a set. The error tells of every one that cannot be read.
func parseNames(names []Name) ([]ident.Identifier, error) {
	var ids []ident.Identifier
	for _, n := range names {
		id, err := ident.Parse(n.Type, n.Value)
		switch {
		case errors.Is(err, ident.ErrType):
			return nil, fault.New(fault.UnsupportedIdentifier, "Identifiers of the type %q are not supported; dns and ip are.", clip(n.Type))
		case err != nil && n.Type == string(ident.IP):
			return nil, fault.Wrap(err, fault.Malformed, "%q is not an IP address in its canonical form.", clip(n.Value))
		case err != nil:
			return nil, fault.Wrap(err, fault.RejectedIdentifier, "No certificate for %q: it %s.", clip(n.Value), ident.Reason(err))
		}
		ids = append(ids, id)
	}
	return ident.Set(ids), nil
}

// clip keeps what a requester wrote short enough to be repeated to them.
func clip(text string) string {
	const most = 64
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// checkWindow refuses an order whose notBefore or notAfter could not be kept (RFC 8555 section 7.4): what is issued
// later is exactly what was asked, or nothing.
func (s *Service) checkWindow(ctx context.Context, c policy.Connector, p pki.Profile, n NewOrder, now time.Time) error {
	if n.NotBefore.IsZero() && n.NotAfter.IsZero() {
		return nil
	}
	if !c.Rules.NotBeforeAfter {
		return fault.New(fault.Malformed, "This connector decides the validity itself; leave out notBefore and notAfter.")
	}
	issuer, err := s.issuer(ctx, p, now)
	if err != nil {
		return err
	}
	_, _, err = pki.Window(p.Spec, n.NotBefore, n.NotAfter, issuer, now)
	return err
}

// Order returns an order of the requester. Error: NotFound, also for another account's order.
func (s *Service) Order(ctx context.Context, r Requester, id string) (OrderView, error) {
	o, authorizations, err := s.store.Order(ctx, id)
	if err == nil && o.Account != r.Account.ID {
		err = fault.New(fault.NotFound, "There is no such order in this account.")
	}
	if err != nil {
		return OrderView{}, err
	}
	return s.viewOrder(o, authorizations), nil
}

// Orders returns one page of the ids of the requester's orders that are not invalid, newest first, and where the next
// page begins; "" after the last. A page may be short, even empty, and have a next one.
func (s *Service) Orders(ctx context.Context, r Requester, before string) (ids []string, next string, err error) {
	return s.store.OrderIDs(ctx, r.Account.ID, before, ordersPerPage, s.now())
}

// Authorization returns an authorization of the requester. Error: NotFound, also for another account's.
func (s *Service) Authorization(ctx context.Context, r Requester, id string) (AuthorizationView, error) {
	a, err := s.ownAuthorization(ctx, r, id)
	if err != nil {
		return AuthorizationView{}, err
	}
	return s.viewAuthorization(a), nil
}

func (s *Service) ownAuthorization(ctx context.Context, r Requester, id string) (acme.Authorization, error) {
	a, err := s.store.Authorization(ctx, id)
	if err == nil && a.Account != r.Account.ID {
		err = fault.New(fault.NotFound, "There is no such authorization in this account.")
	}
	return a, err
}

// DeactivateAuthorization gives an authorization back (RFC 8555 section 7.5.2); orders that rest on it become invalid.
func (s *Service) DeactivateAuthorization(ctx context.Context, r Requester, id string) (AuthorizationView, error) {
	if _, err := s.ownAuthorization(ctx, r, id); err != nil {
		return AuthorizationView{}, err
	}
	a, err := s.store.EndAuthorization(ctx, id, acme.Deactivated, s.now(), s.event(r, event.AuthorizationDeactivated, id, ""))
	if err != nil {
		return AuthorizationView{}, err
	}
	return s.viewAuthorization(a), nil
}
