package probe

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxDials is how many addresses of each family are tried, so that a name cannot make us scan a network.
const maxDials = 2

// guard connects to hosts that somebody else named. A name is resolved once, its addresses are judged, and those very
// addresses are connected to: an answer that changes in between (DNS rebinding) changes nothing.
type guard struct {
	resolver *Resolver
	timeout  time.Duration // for one address
	look     policy.Look   // says which addresses of a host are allowed
}

// toward returns the guard of a location. A host that a redirect chose is asked for the token alone where it is not
// public: with any other path the requester would send the CA's request to what only the CA reaches.
func (g guard) toward(at location) guard {
	if at.url.Path != tokenPath(g.look.Token) || at.url.RawQuery != "" {
		g.look.Rules = policy.Rules{}
	}
	return g
}

// connect returns a connection to host, which bears url in the record, together with its hop. IPv6 comes first;
// the next address is tried only when the one before could not be connected to.
func (g guard) connect(ctx context.Context, r *record, url string, host ident.Identifier, port uint16) (net.Conn, *acme.Hop, error) {
	targets, err := g.targets(ctx, r, host)
	if err != nil {
		r.unreachable(url)
		return nil, nil, err
	}
	for _, addr := range targets {
		target := netip.AddrPortFrom(addr, port)
		hop := r.begin(url, target)
		var conn net.Conn
		if conn, err = g.dial(ctx, target); err == nil {
			return conn, hop, nil
		}
		hop.Error = "connection " + words(err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, nil, transient(fault.Connection, "The connection to port %d of %s %s; the CA has to reach it there.", port, host, words(err))
}

func (g guard) dial(ctx context.Context, target netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	return new(net.Dialer).DialContext(ctx, "tcp", target.String())
}

// targets returns the addresses of host that may be connected to, at least one.
func (g guard) targets(ctx context.Context, r *record, host ident.Identifier) ([]netip.Addr, error) {
	found := []netip.Addr{host.Addr()}
	if host.Type() != ident.IP {
		var steps []acme.Lookup
		var err error
		found, steps, err = g.resolver.Addresses(ctx, host.Value())
		r.asked(steps)
		if err != nil {
			return nil, err
		}
	}
	allowed := g.look.AddressesOf(host)
	var refused netip.Addr
	var six, four []netip.Addr
	for _, addr := range found {
		switch {
		case CheckAddress(allowed, addr) != nil:
			refused = addr
		case addr.Is4() && len(four) < maxDials:
			four = append(four, addr)
		case addr.Is6() && len(six) < maxDials:
			six = append(six, addr)
		}
	}
	if len(six)+len(four) == 0 {
		return nil, g.refusal(host, refused)
	}
	return slices.Concat(six, four), nil
}

// refusal says why addr, an address of host, is not connected to.
func (g guard) refusal(host ident.Identifier, addr netip.Addr) error {
	if err := CheckAddress(g.look.Addresses, addr); err != nil {
		return err
	}
	return final(fault.Connection, "%s has no public address; a redirect to any other is followed only to the path of the challenge on a name that the connector may certify.", host)
}
