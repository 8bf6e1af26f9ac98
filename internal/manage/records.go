package manage

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Record is a TXT record that proves, for one account, control of a name.
type Record struct {
	Method acme.Method
	Name   string // where it is to stand
	Value  string // ""; each challenge has another one
}

// Records returns the records in DNS that name an account and prove control of a name, a wildcard with its "*.", by the
// methods that the account's connector offers. Errors: NotFound; Malformed for the name; Conflict with what to set when
// no record names the account.
func (s *Service) Records(ctx context.Context, account, name string) ([]Record, error) {
	view, err := s.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	c, err := s.connector(ctx, view.ConnectorName)
	if err != nil {
		return nil, err
	}
	id, err := ident.ParseDNS(name)
	if err != nil {
		return nil, fault.New(fault.Malformed, "%q: it %s.", clip(name), ident.Reason(err))
	}
	url := s.accountURL(c, account)
	if url == "" {
		return nil, fault.New(fault.Conflict, "The server has no external URL, so that no record can name an account; set external-url.")
	}
	named := persist.Account{URL: url, HashPrefix: s.accountURL(c, ""), Thumbprints: view.Thumbprints()}
	var records []Record
	for _, m := range c.Rules.MethodsFor(id) {
		if m.NamesAccount() {
			records = append(records, Record{m, m.RecordName(id, url), recordValue(m, c.Rules.Persist, named, id)})
		}
	}
	if records == nil {
		return nil, fault.New(fault.Conflict, "The connector %s offers neither dns-account-01 nor dns-persist-01; "+
			"name them with \"everleaf connector set %s --methods\".", c.Name, c.Name)
	}
	return records, nil
}

func recordValue(m acme.Method, p policy.Persist, a persist.Account, id ident.Identifier) string {
	if m != acme.DNSPersist01 {
		return ""
	}
	return persist.Record(p.Issuers[0], a.URI(p.Draft, id.Base().Value()), id.IsWildcard())
}
