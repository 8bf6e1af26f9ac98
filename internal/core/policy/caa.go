package policy

import (
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// AskCAA returns the question whether CAA records let the connector certify a name whose control was proven by a method,
// and ask = false where none is to be asked: addresses have no CAA records, and a connector without CAA identities is a
// private one, which no record can name.
func (r Rules) AskCAA(id ident.Identifier, m acme.Method, accountURL string) (q caa.Question, ask bool) {
	if len(r.CAAIdentities) == 0 || id.Type() != ident.DNS {
		return caa.Question{}, false
	}
	return caa.Question{Name: id, Identities: r.CAAIdentities, AccountURL: accountURL, Method: m, MayFail: r.CAAMayFail}, true
}
