package issue

import (
	"context"
	"log/slog"
	"runtime/debug"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// contained decides one challenge. What a hostile host sends meets parsers of DNS, HTTP, TLS and certificates: when one
// of them panics, that look has failed and nothing else has.
func (s *Service) contained(ctx context.Context, look policy.Look) (outcome acme.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a validation panicked", slog.Any("identifier", look.Identifier), slog.String("method", string(look.Method)),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			outcome = acme.Outcome{Failure: &acme.Failure{
				Kind: string(fault.Internal), Public: "The validation failed for a reason of our own.", Identifier: look.Identifier,
			}}
		}
	}()
	return s.validator.Validate(ctx, look)
}
