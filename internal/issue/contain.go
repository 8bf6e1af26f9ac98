package issue

import (
	"log/slog"
	"runtime/debug"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// contained makes one look about an identifier, by the method that is named. What a hostile host sends meets parsers of
// DNS, HTTP, TLS and certificates: when one of them panics, that look has failed and nothing else has.
func (s *Service) contained(id ident.Identifier, method string, look func() acme.Outcome) (outcome acme.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a validation panicked", slog.Any("identifier", id), slog.String("method", method),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			outcome = acme.Outcome{Failure: &acme.Failure{
				Kind: string(fault.Internal), Public: "The validation failed for a reason of our own.", Identifier: id,
			}}
		}
	}()
	return look()
}
