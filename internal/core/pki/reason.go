package pki

import (
	"slices"
	"strconv"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// ParseReason reads a reason code for the revocation of a leaf. A subscriber may give 0, 1, 3, 4 and 5; the operator 9
// (privilegeWithdrawn) as well (BR section 7.2.2). Others are BadRevocationReason, with the allowed ones in the
// sentence.
func ParseReason(code int, asSubscriber bool) (Reason, error) {
	allowed, list := []Reason{Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation}, "0, 1, 3, 4 and 5"
	if !asSubscriber {
		allowed, list = append(allowed, PrivilegeWithdrawn), "0, 1, 3, 4, 5 and 9"
	}
	if !slices.Contains(allowed, Reason(code)) {
		return 0, fault.New(fault.BadRevocationReason, "Reason code %d is not allowed; the codes %s are.", code, list)
	}
	return Reason(code), nil
}

// String returns the name that RFC 5280 section 5.3.1 gives the reason.
func (r Reason) String() string {
	switch r {
	case Unspecified:
		return "unspecified"
	case KeyCompromise:
		return "keyCompromise"
	case CACompromise:
		return "cACompromise"
	case AffiliationChanged:
		return "affiliationChanged"
	case Superseded:
		return "superseded"
	case CessationOfOperation:
		return "cessationOfOperation"
	case PrivilegeWithdrawn:
		return "privilegeWithdrawn"
	default:
		return strconv.Itoa(int(r))
	}
}
