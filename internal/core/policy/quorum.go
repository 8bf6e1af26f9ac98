package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/baseline"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Here is the name of the CA's own node among perspectives.
const Here = "here"

// Perspective is a place from which validation looks: a validator on another machine.
type Perspective struct {
	ID      string
	Name    string
	URL     string      // https://HOST:PORT
	Key     pki.KeyHash // the only key that the CA believes there
	Region  string      // where it stands, in the operator's words; for the public rules one of Registries; "": not said
	Created time.Time
}

// Registries are the regions of the Baseline Requirements: the service regions of the Regional Internet Registries.
func Registries() []string { return []string{"afrinic", "apnic", "arin", "lacnic", "ripe"} }

// Quorum says from where a proof of control must be seen. The zero value wants it seen from the CA's own node.
type Quorum struct {
	Perspectives []string `json:"perspectives,omitempty"` // names; with Here the CA's own node must see the proof; empty: Here alone
	Need         int      `json:"need,omitempty"`         // how many of the others must see it too; 0: all
	Regions      int      `json:"regions,omitempty"`      // how many regions those that see it must stand in; 0: no matter
}

// Places returns the names of the perspectives that look.
func (q Quorum) Places() []string {
	if len(q.Perspectives) == 0 {
		return []string{Here}
	}
	return q.Perspectives
}

// Others returns the names of the perspectives beyond the CA's own node.
func (q Quorum) Others() []string {
	return slices.DeleteFunc(slices.Clone(q.Places()), func(name string) bool { return name == Here })
}

// Needed returns how many of the others must see the proof.
func (q Quorum) Needed() int {
	if q.Need == 0 {
		return len(q.Others())
	}
	return q.Need
}

// Sight is what one perspective saw in the end.
type Sight struct {
	Place   string // the name of the perspective
	Region  string
	Failure *acme.Failure // nil: the proof. That a perspective could not be reached is a failure like others
}

// Decide returns why the sights do not prove control; nil when they do. A perspective that saw nothing, for whatever
// reason, has not agreed, and the number that must agree does not fall with it (BR section 3.2.2.9).
func (q Quorum) Decide(sights []Sight) *acme.Failure {
	here := !slices.Contains(q.Places(), Here)
	var agreed int
	var regions []string
	var dissent *acme.Failure
	for _, s := range sights {
		switch {
		case s.Failure != nil && s.Place == Here:
			return s.Failure
		case s.Failure != nil:
			dissent = firstOf(dissent, s.Failure)
		case s.Place == Here:
			here = true
		default:
			agreed++
			if s.Region != "" && !slices.Contains(regions, s.Region) {
				regions = append(regions, s.Region)
			}
		}
	}
	switch {
	case !here:
		return &acme.Failure{Kind: string(fault.Unavailable), Public: "The CA's own node did not look; try again later."}
	case agreed < q.Needed():
		return lacking(q, agreed, dissent)
	case len(regions) < q.Regions:
		return &acme.Failure{
			Kind:   string(fault.IncorrectResponse),
			Public: fmt.Sprintf("The proof was seen from %d regions, and %d are needed; it has to be seen from everywhere.", len(regions), q.Regions),
		}
	default:
		return nil
	}
}

// Sights returns what each place saw, by the evidence of a look: its last attempt in a row, as attempts stand place by
// place. What follows from a place that had its turn, such as a look for CAA records, is none of the proof. known say in
// which regions the places stand.
func Sights(attempts []acme.Attempt, known []Perspective) []Sight {
	var sights []Sight
	for i, a := range attempts {
		place := cmp.Or(a.Perspective, Here)
		at := slices.IndexFunc(sights, func(s Sight) bool { return s.Place == place })
		switch {
		case at < 0:
			sights = append(sights, Sight{Place: place, Region: regionOf(place, known), Failure: a.Failure})
		case attempts[i-1].Perspective == a.Perspective && at == len(sights)-1:
			sights[at].Failure = a.Failure
		}
	}
	return sights
}

func regionOf(place string, known []Perspective) string {
	at := slices.IndexFunc(known, func(p Perspective) bool { return p.Name == place })
	if at < 0 {
		return ""
	}
	return known[at].Region
}

func firstOf(a, b *acme.Failure) *acme.Failure {
	if a == nil {
		return b
	}
	return a
}

// lacking says how many saw the proof, and why the first that did not saw none.
func lacking(q Quorum, agreed int, dissent *acme.Failure) *acme.Failure {
	failure := acme.Failure{Kind: string(fault.IncorrectResponse)}
	if dissent != nil {
		failure = *dissent
	}
	failure.Public = fmt.Sprintf("The proof was seen from %d of %d other places, and %d are needed. One that did not see it says: %s",
		agreed, len(q.Others()), q.Needed(), failure.Public)
	return &failure
}

// publicRegions is how many regions of Registries must see a proof by the public rules.
const publicRegions = 2

// Public returns what the Baseline Requirements have against the quorum at now, one sentence each; none when certificates
// that the public trusts may be issued by it. known are the perspectives that exist.
func (q Quorum) Public(known []Perspective, now time.Time) []string {
	others := q.Others()
	least, allowed := baseline.Remotes(now), 1
	if len(others) > 5 {
		allowed = 2
	}
	var found []string
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	expect(slices.Contains(q.Places(), Here), "the CA's own node (%q) must look.", Here)
	expect(len(others) >= least, "%d perspectives beyond the CA's own node are needed, and %d are named.", least, len(others))
	expect(q.Needed() >= len(others)-allowed, "of %d perspectives at most %d may miss the proof.", len(others), allowed)
	expect(q.Regions >= publicRegions, "those that see the proof must stand in at least %d regions.", publicRegions)
	for _, name := range others {
		at := slices.IndexFunc(known, func(p Perspective) bool { return p.Name == name })
		expect(at >= 0 && slices.Contains(Registries(), known[at].Region), "the region of %q must be one of %v.", name, Registries())
	}
	return found
}
