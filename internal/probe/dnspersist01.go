package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// dnsPersist01 looks whether one of the TXT records at _validation-persist allows the account what it asks for. The name
// that is to be certified is the one below the label: an alias of it leads nowhere (BR 3.2.2.4.22), one of the record does.
func (p *Prober) dnsPersist01(ctx context.Context, r *record, l policy.Look) (seen string, err error) {
	name := l.Method.RecordName(l.Identifier, l.Account.URL)
	values, steps, err := p.resolver.TXT(ctx, name)
	r.asked(steps)
	if err != nil {
		return "", err
	}
	grant, err := persist.Wanted{
		Offer: l.Rules.Persist.Offer(), Domain: l.Identifier.Base().Value(), Beyond: l.Beyond || l.Identifier.IsWildcard(),
		Account: l.Account, Now: time.Now(),
	}.Judge(values)
	if refused, ok := errors.AsType[*fault.Error](err); ok {
		return "", &failure{refused, false}
	}
	r.grant = &grant
	return fmt.Sprintf("One of the %d TXT records at %s allows this account.", len(values), name), err
}
