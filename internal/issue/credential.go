package issue

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// credentialOf returns the credential by which an account came in; the zero value when it came in without one. An
// account that shows a binding and names no credential, or the other way round, is half of something: it is nobody's.
// Error: Unauthorized when the credential was removed, or is another connector's.
func (s *Service) credentialOf(ctx context.Context, a acme.Account) (policy.Credential, error) {
	if bound := len(a.Binding) > 0; bound != (a.Credential != "") {
		return policy.Credential{}, fault.New(fault.Unauthorized, "The account is stopped: its external account binding is incomplete.")
	}
	if a.Credential == "" {
		return policy.Credential{}, nil
	}
	c, err := s.store.Credential(ctx, a.Credential)
	if fault.Is(err, fault.NotFound) || err == nil && c.Connector != a.Connector {
		return policy.Credential{}, fault.New(fault.Unauthorized, "The account is stopped: the credential by which it came was removed.")
	}
	return c, err
}

// usableNow refuses what came in by a credential that does not open the door.
func usableNow(c policy.Credential, now time.Time) error {
	if ok, reason := c.Usable(now); !ok {
		return fault.New(fault.Unauthorized, "The account is stopped: %s.", reason)
	}
	return nil
}

// standing admits an account again, as a request of now would be. Error: Unauthorized when nothing may be done for it:
// its connector is suspended, it has ended, or its credential is stopped.
func (s *Service) standing(ctx context.Context, c policy.Connector, a acme.Account) (Requester, error) {
	if err := open(c); err != nil {
		return Requester{}, err
	}
	return s.Admit(ctx, c, a)
}

// bindingKeys returns the HMAC keys of a key id, two always. For an unknown one they are random and the credential is
// unusable, and where a credential has one key a random one stands beside it, so that every answer takes the same work.
func (s *Service) bindingKeys(ctx context.Context, c policy.Connector, keyID string) ([][]byte, policy.Credential, error) {
	credential, err := s.store.Credential(ctx, keyID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, credential, err
	}
	if err != nil || credential.Connector != c.ID || credential.Kind != policy.CredentialEAB {
		return [][]byte{decoy(), decoy()}, policy.Credential{Suspended: time.Unix(0, 0)}, nil //nolint:nilerr // decoys are the answer to a missing credential
	}
	var keys [][]byte
	for _, sealed := range credential.Secrets(s.now()) {
		key, err := s.secrets.Open(sealed, []byte(credential.ID))
		if err != nil {
			return nil, credential, err
		}
		keys = append(keys, key)
	}
	if len(keys) < 2 {
		keys = append(keys, decoy())
	}
	return keys, credential, nil
}

// decoy returns a key that opens nothing.
func decoy() []byte {
	key := make([]byte, 32)
	fill(key)
	return key
}

// approve makes an authorization valid by the word of the operator, where the credential pre-approves its identifier
// (RFC 8555 section 7.5: other ways of authorization than challenges). The challenges stay beside it, unanswered: some
// clients look for the one that they would answer before they look at the status.
func approve(r Requester, a acme.Authorization) acme.Authorization {
	if r.authority().PreApproves(a.Covers()) {
		a.Approval = acme.Approval{Credential: r.Credential.ID, Name: r.Credential.Name, At: a.Created}
		a.Expires = a.Created.Add(r.Connector.Rules.ReuseLife.Duration())
	}
	return a
}

// stillApproved reports whether the credential that vouched for an authorization is the requester's and vouches still.
func stillApproved(authority policy.Authority, a acme.Authorization) bool {
	return a.Approval.Credential == authority.Credential.ID && authority.PreApproves(a.Covers())
}
