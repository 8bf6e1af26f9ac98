package probe

import (
	"context"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Limits on what a name may consist of.
const (
	maxName    = 253  // characters (RFC 1035 section 2.3.4); "_acme-challenge." leaves 237 of them
	maxAliases = 8    // CNAME records on the way from the name to its records
	maxRecords = 100  // records of the wanted type
	maxText    = 4096 // octets of one TXT record
)

// question asks for the records of one type.
type question struct {
	name   string
	kind   uint16
	wanted string // what the asker misses when there are none
}

// answer is what came of a question: records, or an error.
type answer struct {
	records []dns.RR
	steps   []acme.Lookup
	err     error
	absent  bool // the error is that DNS has no such records, as its servers say
}

// lookup asks until it has the records at the end of the aliases of q.name.
func (r *Resolver) lookup(ctx context.Context, q question) answer {
	if _, ok := dns.IsDomainName(q.name); !ok || len(undotted(q.name)) > maxName {
		return answer{err: final(fault.DNS, "%s is not a DNS name.", shown(q.name))}
	}
	way := trail{dns.CanonicalName(q.name)}
	var steps []acme.Lookup
	for {
		asked := way.end()
		reply, tried, err := r.query(ctx, asked, q.kind)
		steps = append(steps, tried...)
		if err != nil {
			return answer{steps: steps, err: err}
		}
		absent := ""
		before := len(way)
		records, err := way.follow(reply.Answer, q.kind)
		steps[len(steps)-1].Answers = evidence(way[before:], records)
		switch {
		case err != nil:
		case reply.Rcode == dns.RcodeNameError:
			absent = "does not exist (NXDOMAIN)"
		case len(records) > maxRecords:
			err = final(fault.DNS, "%s has more than %d %s.", shown(q.name), maxRecords, q.wanted)
		case len(records) > 0:
			return answer{records: records, steps: steps}
		case way.end() == asked:
			absent = "has no " + q.wanted
		}
		if absent != "" {
			return answer{steps: steps, err: missing(q, way, absent), absent: true}
		}
		if err != nil {
			return answer{steps: steps, err: err}
		}
	}
}

// missing says that there is nothing in DNS yet. It is transient: a record that was just made takes time to reach every
// server of its zone.
func missing(q question, way trail, what string) error {
	if len(way) == 1 {
		return transient(fault.DNS, "%s %s in DNS.", shown(q.name), what)
	}
	return transient(fault.DNS, "%s, to which %s leads, %s in DNS.", shown(undotted(way.end())), shown(q.name), what)
}

// trail is the name that was asked for, followed by the names that it is an alias of. All are canonical.
type trail []string

func (t trail) end() string { return t[len(t)-1] }

// follow walks along the CNAME records in an answer section and returns the records of the wanted type at the end
// of it. Records that are not on the way do not count, whoever added them.
func (t *trail) follow(section []dns.RR, kind uint16) ([]dns.RR, error) {
	for {
		var records []dns.RR
		target := ""
		for _, rr := range section {
			h := rr.Header()
			if h.Class != dns.ClassINET || h.Rdlength == 0 || dns.CanonicalName(h.Name) != t.end() {
				continue // of another name, or without data, as dynamic updates use them (RFC 2136)
			}
			if alias, ok := rr.(*dns.CNAME); ok && target == "" {
				target = dns.CanonicalName(alias.Target)
			} else if h.Rrtype == kind {
				records = append(records, rr)
			}
		}
		if len(records) > 0 || target == "" {
			return records, nil
		}
		if slices.Contains(*t, target) {
			return nil, final(fault.DNS, "The CNAME records of %s run in a circle.", shown(undotted((*t)[0])))
		}
		if len(*t) > maxAliases {
			return nil, final(fault.DNS, "%s leads through more than %d CNAME records.", shown(undotted((*t)[0])), maxAliases)
		}
		*t = append(*t, target)
	}
}

// query asks one question, of one server after the other. Servers that said something useless are not asked again,
// those that stayed silent are. When one finds that the answer is bogus, no other is asked: it may not validate.
func (r *Resolver) query(ctx context.Context, name string, kind uint16) (*dns.Msg, []acme.Lookup, error) {
	var tried []acme.Lookup
	servers := r.servers()
	for range r.tries {
		var silent []string
		for _, server := range servers {
			reply, err := r.ask(ctx, server, name, kind)
			tried = append(tried, step(server, name, kind, reply, err))
			switch {
			case err == nil && isBogus(reply):
				return nil, tried, final(fault.DNS, "DNSSEC shows that the answers for %s are not genuine: %s.", shown(undotted(name)), rcode(reply))
			case err == nil && (reply.Rcode == dns.RcodeSuccess || reply.Rcode == dns.RcodeNameError):
				return reply, tried, nil
			case ctx.Err() != nil:
				return nil, tried, transient(fault.DNS, "Looking up %s in DNS %s.", shown(undotted(name)), words(ctx.Err()))
			case err != nil:
				silent = append(silent, server)
			}
		}
		servers = silent
	}
	return nil, tried, unanswered(name, tried)
}

// step is the evidence of a question.
func step(server, name string, kind uint16, reply *dns.Msg, err error) acme.Lookup {
	return acme.Lookup{
		Name: shown(undotted(name)), Type: dns.TypeToString[kind], Server: server, Result: result(reply, err),
		Authenticated: err == nil && reply.AuthenticatedData,
	}
}

func unanswered(name string, tried []acme.Lookup) error {
	var results []string
	for _, t := range tried {
		if !slices.Contains(results, t.Result) {
			results = append(results, t.Result)
		}
	}
	return transient(fault.DNS, "No DNS server could answer for %s: %s.", shown(undotted(name)), strings.Join(results, ", "))
}

func undotted(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
