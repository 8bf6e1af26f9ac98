package policy

import (
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/baseline"
)

// Public returns what the Baseline Requirements have against the rules at now, one sentence each; none when certificates
// that the public trusts may be issued by them. known are the perspectives that exist.
func (r Rules) Public(known []Perspective, now time.Time) []string {
	found := r.Quorum.Public(known, now)
	if len(r.CAAIdentities) == 0 {
		found = append(found, "CAA records must be checked, for the names that mean this CA (section 4.2.2.1).")
	}
	if longest := baseline.Reuse(now); r.ReuseLife > longest {
		found = append(found, fmt.Sprintf("a proof of control may be used for %s, and not for %s (section 4.2.1).", longest, r.ReuseLife))
	}
	return found
}
