package policy

import (
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Public returns what the Baseline Requirements have against the rules at now, one sentence each; none when certificates
// that the public trusts may be issued by them. known are the perspectives that exist.
func (r Rules) Public(known []Perspective, now time.Time) []string {
	found := r.Quorum.Public(known, now)
	if len(r.CAAIdentities) == 0 {
		found = append(found, "CAA records must be checked, for the names that mean this CA (section 4.2.2.1).")
	}
	if longest := PublicReuse(now); r.ReuseLife.Duration() > longest {
		found = append(found, fmt.Sprintf("a proof of control may be used for %s, and not for %s (section 4.2.1).", span.Of(longest), r.ReuseLife))
	}
	return found
}

// PublicReuse returns how long a proof of control counts for public certificates that are issued at a time (BR section 4.2.1).
func PublicReuse(issued time.Time) time.Duration {
	longest := 398
	for _, step := range []struct {
		from time.Time
		days int
	}{
		{time.Date(2026, time.March, 15, 0, 0, 0, 0, time.UTC), 200},
		{time.Date(2027, time.March, 15, 0, 0, 0, 0, time.UTC), 100},
		{time.Date(2029, time.March, 15, 0, 0, 0, 0, time.UTC), 10},
	} {
		if !issued.Before(step.from) {
			longest = step.days
		}
	}
	return time.Duration(longest) * 24 * time.Hour
}
