package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// errNotValidating says that a server did not show that it validates DNSSEC.
var errNotValidating = errors.New("the DNS server does not validate DNSSEC")

// proofLife is how long a server that showed that it validates is believed to.
const proofLife = time.Minute

// proofs remembers which servers showed when that they validate.
type proofs struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (p *proofs) fresh(server string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[server]
	return ok && time.Since(at) < proofLife
}

func (p *proofs) note(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = make(map[string]time.Time)
	}
	p.at[server] = time.Now()
}

// trust lets a server be asked when it need not validate, or showed lately that it does.
func (r *Resolver) trust(ctx context.Context, server string) error {
	if r.signed == "" || r.proofs.fresh(server) {
		return nil
	}
	if err := r.prove(ctx, server); err != nil {
		return err
	}
	r.proofs.note(server)
	return nil
}

// prove asks a server for what must come back authenticated.
func (r *Resolver) prove(ctx context.Context, server string) error {
	query := newQuery(dns.Fqdn(r.signed), dns.TypeSOA)
	query.SetEdns0(udpSize, false)
	reply, err := r.exchange(ctx, server, query)
	if err == nil && (reply.Rcode != dns.RcodeSuccess || len(reply.Answer) == 0 || !reply.AuthenticatedData) {
		err = errNotValidating
	}
	return err
}

// Validates answers nil when one of the servers shows now that it validates DNSSEC, or when none has to.
func (r *Resolver) Validates(ctx context.Context) error {
	if r.signed == "" {
		return nil
	}
	var wrong []string
	for _, server := range r.servers() {
		err := r.prove(ctx, server)
		if err == nil {
			return nil
		}
		wrong = append(wrong, server+": "+result(nil, err))
	}
	return fault.New(fault.DNS, "No DNS server returns the SOA record of %s authenticated (%s), so that nothing can be validated; give one that validates DNSSEC (--dns-resolver).",
		shown(r.signed), strings.Join(wrong, ", "))
}

// insecure reports whether name, and every name that it leads to, is in a zone that is proven not to be signed: "the
// resolver knows that it has no chain of signed DNSKEY and DS RRs from any trusted starting point" (RFC 4035 section
// 4.3). It needs one server that validates from the trusted starting point down to the proof: no two are mixed, of which
// one might not validate.
func (r *Resolver) insecure(ctx context.Context, rec *record, name string) bool {
	for _, server := range r.servers() {
		w := witness{r, rec, server}
		if w.unsigned(ctx, dns.CanonicalName(name)) {
			return true
		}
	}
	return false
}

// witness is one server that is asked for a proof.
type witness struct {
	resolver *Resolver
	record   *record
	server   string
}

func (w witness) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	reply, err := w.resolver.ask(ctx, w.server, name, kind)
	w.record.asked([]acme.Lookup{step(w.server, name, kind, reply, err)})
	if err == nil && reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		err = fmt.Errorf("%w: %s", errAnswer, rcode(reply))
	}
	return reply, err
}

// unsigned follows the aliases of a name as far as the server can: a zone that is not signed can lead into one that is.
func (w witness) unsigned(ctx context.Context, name string) bool {
	way := trail{name}
	for {
		asked := way.end()
		if !w.delegatedUnsigned(ctx, asked) {
			return false
		}
		reply, err := w.ask(ctx, asked, dns.TypeCNAME)
		if err != nil { // it is this zone that does not answer
			return ctx.Err() == nil
		}
		if _, err := way.follow(reply.Answer, dns.TypeNone); err != nil {
			return false
		}
		if way.end() == asked {
			return true
		}
	}
}

// delegatedUnsigned walks down from the top label to a delegation that is not signed. Below a link of the chain that is
// authenticated, an answer that is not can only be one that nothing signs: what should be signed and is not is bogus.
func (w witness) delegatedUnsigned(ctx context.Context, name string) bool {
	anchored := false
	for _, at := range upward(name) {
		reply, err := w.ask(ctx, at, dns.TypeDS)
		switch {
		case err != nil:
			return false
		case !reply.AuthenticatedData:
			return anchored
		case deniesSigning(reply.Ns, at):
			return true
		}
		anchored = true
	}
	return false
}

// upward returns a name with the names above it, the top label first.
func upward(name string) []string {
	var names []string
	for _, at := range dns.Split(name) {
		names = append([]string{name[at:]}, names...)
	}
	return names
}

// deniesSigning finds the record that proves that a name is delegated to a zone without keys (RFC 6840 section 4.4): the
// parent says that it has NS and no DS, and by the missing SOA that it is the parent who speaks.
func deniesSigning(authority []dns.RR, name string) bool {
	for _, rr := range authority {
		var types []uint16
		switch rr := rr.(type) {
		case *dns.NSEC:
			if dns.CanonicalName(rr.Hdr.Name) == name {
				types = rr.TypeBitMap
			}
		case *dns.NSEC3:
			if rr.Match(name) {
				types = rr.TypeBitMap
			}
		}
		if slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeDS) && !slices.Contains(types, dns.TypeSOA) {
			return true
		}
	}
	return false
}
