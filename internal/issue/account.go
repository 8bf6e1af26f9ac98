package issue

import (
	"context"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxContacts bounds the contacts of an account, maxContact the octets of one.
const (
	maxContacts = 10
	maxContact  = 320
)

// Connector returns a connector of a kind by its name, also one that is suspended: what exists can be read, given back
// and revoked there, and nothing can be created or proven. Error: NotFound.
func (s *Service) Connector(ctx context.Context, kind policy.Kind, name string) (policy.Connector, error) {
	c, err := s.store.ConnectorByName(ctx, name)
	if err == nil && c.Kind != kind {
		err = fault.New(fault.NotFound, "There is no %s connector %q here.", kind, name)
	}
	return c, err
}

// open refuses what a suspended connector does not do.
func open(c policy.Connector) error {
	if c.Suspended.IsZero() {
		return nil
	}
	return fault.New(fault.Unauthorized, "This connector is suspended; ask the operator of the CA.")
}

// Account returns an account of a connector, whatever its status, so that a door can verify the signature of a
// request. Error: NoAccount, also for the account of another connector.
func (s *Service) Account(ctx context.Context, c policy.Connector, id string) (acme.Account, error) {
	a, err := s.store.Account(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && a.Connector != c.ID {
		return acme.Account{}, noAccount()
	}
	return a, err
}

func noAccount() error {
	return fault.New(fault.NoAccount, "The account does not exist here; create one with newAccount.")
}

// Admit decides whether the account, whose signature has been verified, may make requests now: it must be valid,
// and so must the credential by which it came. Error: Unauthorized with the reason.
func (s *Service) Admit(ctx context.Context, c policy.Connector, a acme.Account) (Requester, error) {
	if status := a.Status(); status != acme.Valid {
		return Requester{}, fault.New(fault.Unauthorized, "The account is %s.", status)
	}
	credential, err := s.credentialOf(ctx, a)
	if err != nil {
		return Requester{}, err
	}
	if err := usableNow(credential, s.now()); err != nil {
		return Requester{}, err
	}
	return Requester{Connector: c, Account: a, Credential: credential}, nil
}

// NewAccount is what a client asks for with newAccount.
type NewAccount struct {
	Key          jws.Key
	Contacts     []string
	TermsAgreed  bool
	OnlyExisting bool
	Binding      []byte     // the externalAccountBinding member; nil without one
	URL          string     // the url of the request, which the binding must repeat
	From         netip.Addr // who asks; the zero Addr for whoever has no address
}

// NewAccount returns the account of a key, and creates it when it is new. For a known key everything else in the
// request is ignored (RFC 8555 section 7.3.1). Errors: Unauthorized when that account has ended, which its key cannot
// undo, and then the account is returned with it; Unauthorized for a new account when the connector is suspended.
func (s *Service) NewAccount(ctx context.Context, c policy.Connector, n NewAccount) (account acme.Account, created bool, err error) {
	account, err = s.store.AccountByKey(ctx, c.ID, n.Key.Thumbprint())
	if fault.Is(err, fault.NotFound) {
		account, created, err = s.createAccount(ctx, c, n)
	}
	if err == nil && account.Status() != acme.Valid { // another request may have made it meanwhile, and ended it
		return account, false, fault.New(fault.Unauthorized, "The account of this key is %s; a new account needs a new key.", account.Status())
	}
	return account, created, err
}

func (s *Service) createAccount(ctx context.Context, c policy.Connector, n NewAccount) (account acme.Account, created bool, err error) {
	if n.OnlyExisting {
		return account, false, noAccount()
	}
	account, err = s.admissible(ctx, c, n)
	if err != nil {
		return acme.Account{}, false, err
	}
	return s.store.CreateAccount(ctx, account, event.Event{
		ID: s.newID(), At: account.Created, Organisation: c.Organisation,
		Actor: "account:" + account.ID, Action: event.AccountCreated, Object: account.ID,
	}, c.Rules.Limits.Account(n.From, account.Credential, account.Created)...)
}

// admissible checks everything that a new account has to bring and returns it ready to be stored.
func (s *Service) admissible(ctx context.Context, c policy.Connector, n NewAccount) (acme.Account, error) {
	if err := open(c); err != nil {
		return acme.Account{}, err
	}
	now := s.now()
	a := acme.Account{ID: s.newID(), Connector: c.ID, Key: n.Key, Created: now}
	if c.Rules.TermsOfService != "" {
		if !n.TermsAgreed {
			return a, fault.New(fault.UserActionRequired, "Agree to the terms of service at %s: send termsOfServiceAgreed.", c.Rules.TermsOfService)
		}
		a.TermsAgreed = now
	}
	contacts, err := readContacts(n.Contacts)
	if err != nil {
		return a, err
	}
	a.Contacts = contacts
	if err := s.freeKey(ctx, n.Key); err != nil {
		return a, err
	}
	if len(n.Binding) == 0 {
		if c.Rules.ExternalBinding {
			return a, fault.New(fault.ExternalAccountRequired,
				"This connector needs an external account binding; get a key id and an HMAC key from the operator of the CA.")
		}
		return a, nil
	}
	credential, err := s.bind(ctx, c, n)
	a.Credential, a.Binding = credential, n.Binding
	return a, err
}

// freeKey refuses a key that is blocked or stands in a certificate of ours (RFC 8555 section 11.1).
func (s *Service) freeKey(ctx context.Context, key jws.Key) error {
	hash, err := keyHash(key)
	if err != nil {
		return err
	}
	blocked, err := s.store.KeyBlocked(ctx, hash)
	if err != nil {
		return err
	}
	if blocked {
		return fault.New(fault.BadPublicKey, "The key is blocked: it is known to be compromised. Make a new one.")
	}
	used, err := s.store.KeyHasCertificate(ctx, hash)
	if err != nil {
		return err
	}
	if used {
		return fault.New(fault.BadPublicKey, "The key stands in a certificate; an account needs a key of its own.")
	}
	return nil
}

// bind verifies an external account binding (RFC 8555 section 7.3.4) and returns the id of its credential.
// An unknown key id, a wrong MAC and an unusable credential get the same answer after the same work.
func (s *Service) bind(ctx context.Context, c policy.Connector, n NewAccount) (string, error) {
	binding, err := jws.ParseMAC(n.Binding)
	if err != nil {
		return "", err
	}
	if binding.URL != n.URL {
		return "", fault.New(fault.Malformed, "The url of the external account binding is not the url of the request.")
	}
	inner, err := jws.ParseKey(binding.Payload)
	if err != nil || inner.Thumbprint() != n.Key.Thumbprint() {
		return "", fault.New(fault.Malformed, "The external account binding is not for the key that signed the request.")
	}
	secrets, credential, err := s.bindingKeys(ctx, c, binding.KeyID)
	if err != nil {
		return "", err
	}
	usable, _ := credential.Usable(s.now())
	verified := false
	for _, secret := range secrets {
		verified = binding.VerifyMAC(secret) == nil || verified
	}
	if !verified || !usable {
		return "", fault.New(fault.Unauthorized,
			"The external account binding was not accepted: check the key id and the HMAC key, and ask the operator whether they are still in force.")
	}
	return credential.ID, nil
}

// UpdateContacts replaces the contacts of the requester's account.
func (s *Service) UpdateContacts(ctx context.Context, r Requester, contacts []string) (acme.Account, error) {
	contacts, err := readContacts(contacts)
	if err != nil {
		return acme.Account{}, err
	}
	return s.store.SetContacts(ctx, r.Account.ID, contacts, s.event(r, event.AccountUpdated, r.Account.ID, ""))
}

// DeactivateAccount ends the requester's account. Its open orders end with it; its certificates stay valid (RFC 8555
// section 7.3.6), and its key cannot be used for a new account here.
func (s *Service) DeactivateAccount(ctx context.Context, r Requester) (acme.Account, error) {
	return s.store.EndAccount(ctx, r.Account.ID, acme.Deactivated, s.event(r, event.AccountDeactivated, r.Account.ID, ""))
}

// ChangeKey gives the requester's account another key (RFC 8555 section 7.3.5), of which the door has seen a
// proof of possession. Errors: Conflict with the Location of the account that has the key; BadPublicKey.
func (s *Service) ChangeKey(ctx context.Context, r Requester, key jws.Key) (acme.Account, error) {
	if err := s.freeKey(ctx, key); err != nil {
		return acme.Account{}, err
	}
	return s.store.ChangeKey(ctx, r.Account.ID, r.Account.Key.Thumbprint(), key, s.event(r, event.AccountKeyChanged, r.Account.ID, ""))
}

func (s *Service) event(r Requester, action event.Action, object, detail string) event.Event {
	now := s.now()
	return event.Event{
		ID: s.newID(), At: now, Organisation: r.Connector.Organisation,
		Actor: r.actor(), Action: action, Object: object, Detail: detail,
	}
}

// checkContacts accepts mailto URLs with exactly one address and no header fields (RFC 8555 section 7.3).
// readContacts returns the contacts as they are kept. A space after "mailto:", as getssl sends it, is not kept.
func readContacts(contacts []string) ([]string, error) {
	if len(contacts) > maxContacts {
		return nil, fault.New(fault.InvalidContact, "An account can have at most %d contacts.", maxContacts)
	}
	kept := slices.Clone(contacts)
	for i, c := range contacts {
		if address, ok := strings.CutPrefix(c, "mailto: "); ok {
			kept[i] = "mailto:" + address
		}
		if err := checkContact(kept[i]); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func checkContact(contact string) error {
	u, err := url.Parse(contact)
	if err != nil || len(contact) > maxContact || strings.ContainsFunc(contact, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fault.New(fault.InvalidContact, "A contact is not a URL; write it like mailto:admin@example.com.")
	}
	if !strings.EqualFold(u.Scheme, "mailto") {
		return fault.New(fault.UnsupportedContact, "Contacts of the scheme %q are not supported; mailto is.", u.Scheme)
	}
	address, err := url.PathUnescape(u.Opaque)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(address, ",") {
		return fault.New(fault.InvalidContact, "A mailto contact holds exactly one address and nothing else.")
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fault.New(fault.InvalidContact, "A mailto contact does not hold a mail address; write it like mailto:admin@example.com.")
	}
	return nil
}
