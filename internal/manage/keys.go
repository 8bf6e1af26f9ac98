package manage

import (
	"context"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// MaxBlocked is how many keys are blocked at once.
const MaxBlocked = 2000

// BlockKeys has keys certified never again; what was issued for them is revoked by the server within seconds, for
// keyCompromise. It returns how many were not blocked before. Nothing unblocks a key: that it was ever published cannot be
// undone. Errors: Malformed for none or too many; Conflict for the key of an issuer, of which nothing is blocked then.
func (s *Service) BlockKeys(ctx context.Context, by Actor, keys []pki.KeyHash) (added int, err error) {
	if len(keys) == 0 || len(keys) > MaxBlocked {
		return 0, fault.New(fault.Malformed, "Name 1 to %d keys at a time.", MaxBlocked)
	}
	if err := s.noIssuersKey(ctx, keys); err != nil {
		return 0, err
	}
	object, detail := keys[0].String(), ""
	if len(keys) > 1 {
		object, detail = "", fmt.Sprintf("%d keys, the first %s", len(keys), keys[0])
	}
	e, err := s.happening(by, event.KeysBlocked, "", object, detail)
	if err != nil {
		return 0, err
	}
	return s.store.BlockKeys(ctx, keys, s.now(), e)
}

func (s *Service) noIssuersKey(ctx context.Context, keys []pki.KeyHash) error {
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return err
	}
	names := map[pki.KeyHash]string{}
	for _, i := range issuers {
		certificate, err := i.Parse()
		if err != nil {
			return err
		}
		names[pki.HashKey(certificate.RawSubjectPublicKeyInfo)] = i.Name
	}
	for _, key := range keys {
		if name := names[key]; name != "" {
			return fault.New(fault.Conflict, "The key %s is that of the issuer %s, which blocking would not stop. If it is compromised, stop the server, tell those who trust it, and replace it: `everleaf ca next %s`, or `everleaf ca import` for a root.", key, name, name)
		}
	}
	return nil
}

// BlockedKeys returns one page of the blocked keys, in the order of their hashes, after the given one.
func (s *Service) BlockedKeys(ctx context.Context, after pki.KeyHash, limit int) ([]pki.BlockedKey, error) {
	return s.store.BlockedKeys(ctx, after, limit)
}
