package probe

import (
	"fmt"
	"net/netip"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// What is kept of one attempt. Hosts that somebody else named and their DNS decide how much there is to keep, and it is
// stored: a look that stays with its host asks a handful of questions, even of servers that are slow.
const (
	maxLookups     = 30 // DNS questions
	maxNotFollowed = 2  // places to which one reply redirects in vain
)

// record collects what one attempt does.
type record struct {
	lookups []acme.Lookup
	left    int // questions that are not kept
	hops    []acme.Hop
	reports []string       // iodef addresses of a refusal by CAA
	passed  []string       // names whose CAA records could not be looked up, in zones that are proven to be unsigned
	grant   *persist.Grant // of dns-persist-01, once it was found
}

// asked notes DNS questions.
func (r *record) asked(steps []acme.Lookup) {
	kept := min(len(steps), maxLookups-len(r.lookups))
	r.lookups = append(r.lookups, steps[:kept]...)
	r.left += len(steps) - kept
}

// steps returns the questions, and in place of those that are not kept how many they are.
func (r *record) steps() []acme.Lookup {
	if r.left == 0 {
		return r.lookups
	}
	return append(r.lookups, acme.Lookup{Result: fmt.Sprintf("and %d more questions", r.left)})
}

// begin notes a connection and returns its hop for what becomes of it; the pointer is good until the next one begins.
func (r *record) begin(url string, target netip.AddrPort) *acme.Hop {
	r.hops = append(r.hops, acme.Hop{URL: url, Address: target.String()})
	return &r.hops[len(r.hops)-1]
}

// unreachable notes a place that has no address which may be connected to.
func (r *record) unreachable(url string) {
	r.hops = append(r.hops, acme.Hop{URL: url, Error: "no address to connect to"})
}

// notFollowed notes where a redirect leads that is not followed.
func (r *record) notFollowed(locations ...string) {
	for _, location := range locations[:min(len(locations), maxNotFollowed)] {
		r.hops = append(r.hops, acme.Hop{URL: shown(location), Error: "redirect not followed"})
	}
}
