package probe

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// dns01 looks whether one of the TXT records of a challenge holds the digest of the key authorization (RFC 8555
// section 8.4). For dns-account-01 they have a name of the account's own, and are otherwise the same.
func (p *Prober) dns01(ctx context.Context, r *record, l policy.Look) (seen string, err error) {
	name := l.Method.RecordName(l.Identifier, l.Account.URL)
	values, steps, err := p.resolver.TXT(ctx, name)
	r.asked(steps)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(l.KeyAuthorization))
	if !slices.Contains(values, base64.RawURLEncoding.EncodeToString(digest[:])) {
		return "", final(fault.IncorrectResponse, "None of the %d TXT records at %s has the value for this account and token.", len(values), name)
	}
	return fmt.Sprintf("One of the %d TXT records at %s matches the key authorization.", len(values), name), nil
}
