package va

import (
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// discord returns why proofs do not count that rest on different records of dns-persist-01: every perspective must see the
// same accounturi (BR 3.2.2.4.22). nil when they rest on one, or on none.
func discord(attempts []acme.Attempt) *acme.Failure {
	uri := ""
	for _, a := range attempts {
		switch {
		case a.Grant == nil:
		case uri == "":
			uri = a.Grant.AccountURI
		case uri != a.Grant.AccountURI:
			return &acme.Failure{Kind: string(fault.DNS), Public: "The validators of the CA see records with different accounturi; publish the same at all servers of the zone, and try again."}
		}
	}
	return nil
}
