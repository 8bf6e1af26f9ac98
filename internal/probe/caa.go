package probe

import (
	"context"
	"fmt"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// maxReports is how many addresses are kept that want to hear of a refusal.
const maxReports = 5

// LookCAA looks once whether CAA records let the CA of q certify a name, and returns the evidence: without Failure they
// do. Nothing is taken from another look.
func (p *Prober) LookCAA(ctx context.Context, q caa.Question) acme.Attempt {
	return p.attempt(ctx, q.Name, func(ctx context.Context, r *record) (string, error) { return p.climb(ctx, r, q) })
}

// climb looks for the relevant set: at the name, a wildcard's without its "*.", then at each name above it, until there
// is one (RFC 8659 section 3). Aliases are followed at each step, and the climb goes on from the name itself.
func (p *Prober) climb(ctx context.Context, r *record, q caa.Question) (seen string, err error) {
	name := q.Name.Base().Value()
	for at := name; at != ""; _, at, _ = strings.Cut(at, ".") {
		set, err := p.recordsAt(ctx, r, q, at)
		if err != nil {
			return "", undecided(err, name)
		}
		if len(set) == 0 {
			continue
		}
		verdict := q.Judge(at, set)
		if !verdict.Allowed() {
			r.report(verdict.Reports)
			return "", final(fault.CAA, "%s", verdict.Refusal)
		}
		return fmt.Sprintf("The CAA records of %s let this CA issue.", at) + r.exceptions(), nil
	}
	return fmt.Sprintf("There are no CAA records for %s.", name) + r.exceptions(), nil
}

// recordsAt returns the CAA records of one name. When they cannot be had, and the question allows it, a proof is looked for
// that the zone is not signed; with it the name counts as one without records.
func (p *Prober) recordsAt(ctx context.Context, r *record, q caa.Question, at string) ([]caa.Record, error) {
	set, steps, err := p.resolver.CAA(ctx, at)
	r.asked(steps)
	if err != nil && q.MayFail && Retryable(err) && p.resolver.insecure(ctx, r, at) {
		r.passed = append(r.passed, at)
		return nil, nil
	}
	return set, err
}

// undecided says that a look-up failed, which is no permission.
func undecided(err error, name string) error {
	reason := fault.Wrap(err, fault.CAA, "Whether CAA records let this CA issue for %s cannot be found out: %s Try again when DNS answers.", name, sentence(err))
	return &failure{reason, Retryable(err)}
}

// report keeps the addresses of iodef records.
func (r *record) report(addresses []string) {
	for _, address := range addresses[:min(len(addresses), maxReports)] {
		r.reports = append(r.reports, shown(address))
	}
}

// exceptions says what was passed over.
func (r *record) exceptions() string {
	if len(r.passed) == 0 {
		return ""
	}
	return fmt.Sprintf(" The look-up failed at %s, in a zone that is proven to be unsigned.", strings.Join(r.passed, ", "))
}
