package cli

import (
	"strconv"

	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// addScope adds a flag for each part of a credential's scope.
func addScope(flags *pflag.FlagSet, s *adminapi.ScopeChange) {
	flags.Func("names", "`names` that it may ask for, within those of the connector: example.com, .example.com for all below it, "+
		"*.example.com, addresses, networks like 10.0.0.0/8; empty is all", optionalList(&s.Names, plain))
	flags.Func("profiles", "`names` of the profiles that it may ask for, of those that the connector offers; empty is all", optionalList(&s.Profiles, plain))
	flags.Func("orders-per-day", "`number` of orders a day of all its accounts together; 0 is any number", optional(&s.OrdersPerDay, number))
	flags.Func("pre-approved", "`names` that need no challenge, written like --names; empty is none", optionalList(&s.PreApproved, plain))
}

// addScopeFacts shows a scope.
func addScopeFacts(f *render.Facts, s policy.Scope) {
	f.Add("Names", orAll(render.Words(s.Names)))
	f.Add("Profiles", orAll(render.Words(s.Profiles)))
	if s.OrdersPerDay > 0 {
		f.Add("Orders per day", "at most "+strconv.Itoa(s.OrdersPerDay))
	}
	f.Add("Pre-approved", render.Words(s.PreApproved))
}
