package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// ResolverOptions says whom a Resolver asks, and how patiently. Zero values mean the defaults.
type ResolverOptions struct {
	// Upstreams are recursive resolvers, HOST:PORT or HOST (port 53), asked in this order. A HOST that is a name is
	// resolved by the operating system. Without any, the name servers of /etc/resolv.conf are asked; the file is read
	// anew for each lookup, so that a change of network needs no restart.
	Upstreams []string
	Timeout   time.Duration // for one answer over one transport; 2 s
	Tries     int           // rounds over the upstreams that stay silent; 2
	// Signed is the name of a signed zone, "." for the root: only upstreams count whose answer for it is authenticated,
	// which shows that they validate DNSSEC. "": all count.
	Signed string
}

// Resolver is a DNS client that believes recursive resolvers and nothing else: no hosts file, no search domains, no
// cache. It is safe for concurrent use.
//
// Answers are asked for over UDP in a size that needs no fragments (which can be forged), from a port and with an id
// that are random for every question. The first datagram that does not fit its question moves the question to TCP,
// so that a forger has one guess; names are therefore asked for in lower case, and not in the mixed case ("0x20")
// which not every server repeats. Validation of DNSSEC is the upstream's: what it finds bogus it answers with SERVFAIL.
type Resolver struct {
	upstreams []string
	timeout   time.Duration
	tries     int
	signed    string
	proofs    proofs
}

// NewResolver fails when an upstream is not HOST or HOST:PORT.
func NewResolver(o ResolverOptions) (*Resolver, error) {
	r := &Resolver{timeout: o.Timeout, tries: o.Tries, signed: o.Signed}
	if r.timeout <= 0 {
		r.timeout = 2 * time.Second
	}
	if r.tries <= 0 {
		r.tries = 2
	}
	for _, text := range o.Upstreams {
		server, err := upstream(text)
		if err != nil {
			return nil, err
		}
		r.upstreams = append(r.upstreams, server)
	}
	return r, nil
}

// upstream returns HOST:PORT.
func upstream(text string) (string, error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil {
		return net.JoinHostPort(bare, "53"), nil
	}
	host, port := text, "53"
	if strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return "", fmt.Errorf("DNS server %q is neither HOST nor HOST:PORT: %w", text, err)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 {
		return "", fmt.Errorf("DNS server %q is neither HOST nor HOST:PORT", text)
	}
	return net.JoinHostPort(host, port), nil
}

// maxSystemServers is how many name servers of resolv.conf(5) count.
const maxSystemServers = 3

// servers returns HOST:PORT of the resolvers to ask. Without any it assumes one on this machine, as resolv.conf(5) does.
func (r *Resolver) servers() []string {
	if len(r.upstreams) > 0 {
		return r.upstreams
	}
	var servers []string
	if config, err := dns.ClientConfigFromFile("/etc/resolv.conf"); err == nil {
		for _, host := range config.Servers {
			if _, err := netip.ParseAddr(host); err == nil && len(servers) < maxSystemServers {
				servers = append(servers, net.JoinHostPort(host, "53"))
			}
		}
	}
	if len(servers) == 0 {
		return []string{"127.0.0.1:53", "[::1]:53"}
	}
	return servers
}

// Addresses returns the addresses of name, IPv6 first, without duplicates, and what was asked to find them, also
// when it fails. Errors are of kind DNS; Retryable tells servers that could not answer from names without addresses.
// When one family has addresses, the other gets half a Timeout more: networks that drop AAAA queries are common.
// The names under localhost are the loopback addresses by definition (RFC 6761 section 6.3) and not asked for.
func (r *Resolver) Addresses(ctx context.Context, name string) ([]netip.Addr, []acme.Lookup, error) {
	if isLocalhost(name) {
		return loopbackOf(name)
	}
	six, four := r.families(ctx, name)
	steps := slices.Concat(six.steps, four.steps)
	found := addresses(slices.Concat(six.records, four.records))
	switch {
	case len(found) > 0:
		return found, steps, nil
	case six.err != nil && Retryable(six.err):
		return nil, steps, six.err
	default:
		return nil, steps, four.err
	}
}

// families looks up both kinds of addresses at once.
func (r *Resolver) families(ctx context.Context, name string) (six, four answer) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ask := func(kind uint16) answer {
		found := r.lookup(ctx, question{name, kind, "A or AAAA records"})
		if found.err == nil {
			time.AfterFunc(r.timeout/2, cancel)
		}
		return found
	}
	together(func() { six = ask(dns.TypeAAAA) }, func() { four = ask(dns.TypeA) })
	return six, four
}

// together runs both at once. A panic of either is the caller's, who can contain it; in a goroutine of its own it
// would end the process.
func together(beside, here func()) {
	var panicked any
	func() {
		var running sync.WaitGroup
		defer running.Wait()
		running.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
			}()
			beside()
		})
		here()
	}()
	if panicked != nil {
		panic(panicked)
	}
}

// TXT returns the TXT records of name, the strings of each joined, and what was asked to find them, also when it
// fails. Errors are as with Addresses; more than 100 records or one longer than 4096 octets are an error too.
func (r *Resolver) TXT(ctx context.Context, name string) ([]string, []acme.Lookup, error) {
	found := r.lookup(ctx, question{name, dns.TypeTXT, "TXT records"})
	if found.err != nil {
		return nil, found.steps, found.err
	}
	values := texts(found.records)
	for _, value := range values {
		if len(value) > maxText {
			return nil, found.steps, final(fault.DNS, "A TXT record of %s is longer than %d octets.", name, maxText)
		}
	}
	return values, found.steps, nil
}

// CAA returns the CAA records of name, none where there are none, and what was asked to find them, also when it fails.
// Errors are as with Addresses, but that nothing is there is none; more than 100 records are an error too, and one without
// a tag, which RFC 8659 section 4.1 does not allow.
func (r *Resolver) CAA(ctx context.Context, name string) ([]caa.Record, []acme.Lookup, error) {
	found := r.lookup(ctx, question{name, dns.TypeCAA, "CAA records"})
	if found.err != nil && !found.absent {
		return nil, found.steps, found.err
	}
	set := properties(found.records)
	if slices.ContainsFunc(set, func(r caa.Record) bool { return r.Tag == "" }) {
		return nil, found.steps, final(fault.DNS, "A CAA record of %s has no tag.", shown(name))
	}
	return set, found.steps, nil
}

func isLocalhost(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func loopbackOf(name string) ([]netip.Addr, []acme.Lookup, error) {
	six, four := netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})
	const result = "loopback by definition (RFC 6761)"
	return []netip.Addr{six, four}, []acme.Lookup{
		{Name: name, Type: "AAAA", Result: result, Answers: []string{six.String()}},
		{Name: name, Type: "A", Result: result, Answers: []string{four.String()}},
	}, nil
}
