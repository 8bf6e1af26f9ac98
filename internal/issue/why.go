package issue

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Question asks whether a certificate would be issued, for names, for those of a certificate request, or for an order. It
// is answered by the same code that decides when a requester asks, up to the lint, and leaves nothing behind.
type Question struct {
	Connector  string   // name; of an order its own counts
	Credential string   // id; "": for an account that came in without one
	Profile    string   // name; "": the default
	Names      []string // DNS names and addresses
	Request    []byte   // a certificate request, DER or PEM; nil: any sound key
	Order      string   // id of an order; with it nothing else may be asked
}

// Answer says what stands against a certificate, and what is still to be done for it.
type Answer struct {
	Connector  string
	Credential string // name; "": none
	Profile    string // name; "" when none can be chosen
	Names      []ident.Identifier
	Objections []policy.Objection // everything that says no; none: it would be issued
	Needs      []Need             // for each name, in their sequence
	Warnings   []string           // what lint would warn of
	Order      *OrderView         // the order that was asked about
}

// Need is what has to happen before a name can be certified.
type Need struct {
	Identifier ident.Identifier
	Methods    []acme.Method // one of these challenges must prove control; empty: nothing more is needed
	Because    string        // why nothing more is needed
}

// Would reports whether the certificate would be issued, once the needs are met.
func (a Answer) Would() bool { return len(a.Objections) == 0 }

// Why answers a question of the operator. Errors: NotFound for the connector, the credential or the order; Malformed for
// names or a request that cannot be read, which nobody could order.
func (s *Service) Why(ctx context.Context, q Question) (Answer, error) {
	if q.Order != "" {
		return s.whyOrder(ctx, q.Order)
	}
	c, err := s.Connector(ctx, policy.KindACME, q.Connector)
	if err != nil {
		return Answer{}, nothing(err, "connector", q.Connector)
	}
	authority := policy.Authority{Connector: c}
	if q.Credential != "" {
		if authority.Credential, err = s.store.Credential(ctx, q.Credential); err != nil {
			return Answer{}, nothing(err, "credential", q.Credential)
		}
		if authority.Credential.Connector != c.ID {
			return Answer{}, fault.New(fault.NotFound, "The credential %s opens another connector than %s.", clip(q.Credential), c.Name)
		}
	}
	wish, err := readWish(q)
	if err != nil {
		return Answer{}, err
	}
	answer, requester := s.ask(ctx, Requester{Connector: c, Credential: authority.Credential}, q.Profile, wish)
	for _, id := range wish.names {
		answer.Needs = append(answer.Needs, needed(requester.authority(), id))
	}
	return answer, nil
}

// nothing says that what was asked about does not exist, where that is what the error tells.
func nothing(err error, what, name string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "There is no %s %q; list the %ss for those that there are.", what, clip(name), what)
	}
	return err
}

// wish is what a certificate is wanted for.
type wish struct {
	names []ident.Identifier
	csr   []byte // DER; nil: any sound key
}

// readWish reads names, and those of a certificate request when none are given.
func readWish(q Question) (wish, error) {
	w := wish{csr: q.Request}
	if block, _ := pem.Decode(q.Request); block != nil {
		w.csr = block.Bytes
	}
	if w.csr != nil && len(q.Names) == 0 {
		csr, err := pki.ParseCSR(w.csr)
		if err != nil {
			return w, err
		}
		w.names = csr.Names
		return w, nil
	}
	var names []Name
	for _, text := range q.Names {
		kind := ident.DNS
		if _, err := ident.ParseIP(text); err == nil {
			kind = ident.IP
		}
		names = append(names, Name{Type: string(kind), Value: text})
	}
	var err error
	w.names, err = parseNames(names)
	return w, err
}

// ask goes the way of an order up to the lint. It returns the requester as the profile sees it.
func (s *Service) ask(ctx context.Context, r Requester, profile string, w wish) (Answer, Requester) {
	now, authority := s.now(), r.authority()
	answer := Answer{
		Connector: authority.Connector.Name, Credential: authority.Credential.Name, Names: w.names,
		Objections: authority.Decide(w.names, profile, now),
	}
	p, err := s.profile(ctx, authority, profile)
	if err != nil {
		if len(answer.Objections) == 0 { // the connector offers one that does not exist
			answer.object(connectorRule(authority, "profiles"), err)
		}
		return answer, r
	}
	answer.Profile = p.Name
	if r, err = s.under(ctx, r, p); err != nil {
		answer.object(connectorRule(authority, "quorum"), fault.New(fault.KindOf(err), "%v", err))
	}
	if err := s.judgeNames(ctx, p, w.names, now); err != nil {
		answer.object(policy.Objection{By: "profile", Name: p.Name, Rule: "names"}, err)
	}
	key, subject := s.askRequest(ctx, &answer, p, w)
	if key != nil {
		s.rehearse(ctx, &answer, plan{profile: p, names: w.names, subject: subject, key: key}, now)
	}
	return answer, r
}

// object adds what an error says against the certificate.
func (a *Answer) object(by policy.Objection, err error) {
	by.Kind, by.Reason = fault.KindOf(err), fault.Sentence(err)
	if by.Reason == "" {
		by.Reason = err.Error() // for the operator alone
	}
	a.Objections = append(a.Objections, by)
}

func connectorRule(authority policy.Authority, rule string) policy.Objection {
	return policy.Objection{By: "connector", Name: authority.Connector.Name, Rule: rule}
}

// askRequest judges a certificate request, and returns the key and the subject that a certificate would have; a nil key when
// it is refused.
func (s *Service) askRequest(ctx context.Context, a *Answer, p pki.Profile, w wish) (crypto.PublicKey, []pki.Attribute) {
	if w.csr == nil {
		key, err := anyKey(p.Spec.Keys)
		if err != nil {
			a.object(policy.Objection{By: "profile", Name: p.Name, Rule: "keys"}, err)
		}
		return key, nil
	}
	key, subject, err := s.requested(ctx, p, acme.Order{Identifiers: w.names}, w.csr)
	if err == nil {
		err = s.unblocked(ctx, key)
	}
	if err != nil {
		a.object(policy.Objection{By: "request", Rule: "csr"}, err)
		return nil, nil
	}
	return key, subject
}

// unblocked refuses a key that is known to be compromised.
func (s *Service) unblocked(ctx context.Context, key crypto.PublicKey) error {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fault.Wrap(err, fault.BadCSR, "The key of the request cannot be certified.")
	}
	blocked, err := s.store.KeyBlocked(ctx, pki.HashKey(spki))
	if err == nil && blocked {
		err = fault.New(fault.BadCSR, "The key is blocked: it is known to be compromised. Make a new one.")
	}
	return err
}

// rehearse builds and lints the certificate under a throw-away key, and signs nothing.
func (s *Service) rehearse(ctx context.Context, a *Answer, p plan, now time.Time) {
	by := policy.Objection{By: "profile", Name: p.profile.Name}
	if err := s.trustClock(ctx, now); err != nil {
		a.object(policy.Objection{By: "installation", Rule: "clock"}, err)
		return
	}
	issuer, err := s.issuer(ctx, p.profile, now)
	if err != nil {
		by.Rule = "issuer"
		a.object(by, err)
		return
	}
	request, err := s.draft(p, issuer, now)
	if err != nil {
		by.Rule = "lifetime"
		a.object(by, err)
		return
	}
	prepared, err := s.signer.Prepare(ctx, request)
	if err != nil {
		by.Rule = "lint"
		a.object(by, err)
		return
	}
	a.Warnings = append(a.Warnings, prepared.Warnings()...)
}

// anyKey makes a sound key of a type that is accepted.
func anyKey(accepted []pki.KeyType) (crypto.PublicKey, error) {
	curve := elliptic.P256()
	switch {
	case slices.Contains(accepted, pki.ECDSAP256):
	case slices.Contains(accepted, pki.ECDSAP384):
		curve = elliptic.P384()
	case slices.Contains(accepted, pki.Ed25519):
		public, _, err := ed25519.GenerateKey(rand.Reader)
		return public, err
	default:
		key, err := rsa.GenerateKey(rand.Reader, pki.MinRSABits)
		if err != nil {
			return nil, err
		}
		return &key.PublicKey, nil
	}
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return nil, err
	}
	return &key.PublicKey, nil
}

// needed says how control of a name would have to be proven in a new order.
func needed(authority policy.Authority, id ident.Identifier) Need {
	if authority.PreApproves(id) {
		return Need{Identifier: id, Because: "pre-approved by the credential " + authority.Credential.Name}
	}
	return Need{Identifier: id, Methods: authority.Connector.Rules.MethodsFor(id)}
}

// whyOrder asks what would become of an order if it were finalized now.
func (s *Service) whyOrder(ctx context.Context, id string) (Answer, error) {
	o, parts, err := s.store.Order(ctx, id)
	if err != nil {
		return Answer{}, nothing(err, "order", id)
	}
	c, err := s.store.Connector(ctx, o.Connector)
	if err != nil {
		return Answer{}, err
	}
	account, err := s.store.Account(ctx, o.Account)
	if err != nil {
		return Answer{}, err
	}
	view := s.viewOrder(o, parts)
	if view.Status == acme.Valid {
		return Answer{Connector: c.Name, Profile: o.ProfileName, Names: o.Identifiers, Order: &view}, nil
	}
	requester, stopped := s.Admit(ctx, c, account)
	answer, requester := s.ask(ctx, Requester{Connector: c, Credential: requester.Credential}, o.ProfileName, wish{names: o.Identifiers})
	answer.Order = &view
	if stopped != nil {
		answer.object(policy.Objection{By: "account", Name: o.Account, Rule: "status"}, stopped)
	}
	if o.Failure != nil {
		answer.object(policy.Objection{By: "order", Name: id, Rule: "failure"}, &fault.Error{Kind: fault.Kind(o.Failure.Kind), Public: o.Failure.Public})
	} else if !s.now().Before(o.Expires) && o.Begun.IsZero() {
		answer.object(policy.Objection{By: "order", Name: id, Rule: "expires"}, fault.New(fault.NotReady, "The order expired at %s; place a new one.", o.Expires.Format(time.RFC3339)))
	}
	for _, part := range view.Parts {
		answer.part(requester, part)
	}
	return answer, nil
}

// part adds what an authorization of the order says, or still needs.
func (a *Answer) part(r Requester, part AuthorizationView) {
	by := policy.Objection{By: "authorization", Name: part.ID, Identifier: part.Covers(), Rule: string(part.Status)}
	need := Need{Identifier: part.Covers()}
	switch part.Status {
	case acme.Pending:
		for _, c := range part.Challenges {
			need.Methods = append(need.Methods, c.Method)
		}
	case acme.Valid:
		need.Because = "proven until " + part.Expires.Format(time.RFC3339)
		if part.Approved() {
			need.Because = "pre-approved by the credential " + part.Approval.Name
		}
		if reason := unusable(r, part.Authorization); reason != "" {
			a.object(by, fault.New(fault.Unauthorized, "%s", reason))
		}
	default: // it is over, and nothing that could still be done would help
		a.object(by, why(part))
		return
	}
	a.Needs = append(a.Needs, need)
}

// why says why an authorization is over.
func why(part AuthorizationView) error {
	for _, c := range part.Challenges {
		if c.Failure != nil {
			return &fault.Error{Kind: fault.Kind(c.Failure.Kind), Public: fmt.Sprintf("%s by %s: %s", part.Covers(), c.Method, c.Failure.Public)}
		}
	}
	return fault.New(fault.Unauthorized, "The authorization of %s is %s; place a new order.", part.Covers(), part.Status)
}
