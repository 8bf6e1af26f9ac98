// Package probe looks at the world from outside: it resolves names, connects to hosts and reports what they serve.
//
// It is built for hosts that are hostile. Every look is bounded in time and size; connections go only to addresses
// that the caller's address policy allows, decided after resolution for each hop; and nothing that a host sent enters
// a report or an error, except names and the places that it redirects to, escaped and cut.
package probe

import (
	"context"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Options says how a Prober looks. Zero values mean the defaults.
type Options struct {
	Resolver       *Resolver     // required
	HTTPPort       uint16        // stands for port 80 wherever a URL names no port; other than 80 only for tests and private networks
	TLSPort        uint16        // likewise for port 443, and the port of tls-alpn-01
	Timeout        time.Duration // for one look in all; 10 s
	ConnectTimeout time.Duration // for connecting to one address; 2 s
	UserAgent      string        // of HTTP requests
}

// Prober looks whether challenges are met. It keeps no state and is safe for concurrent use.
type Prober struct {
	resolver       *Resolver
	httpPort       uint16
	tlsPort        uint16
	timeout        time.Duration
	connectTimeout time.Duration
	userAgent      string
}

// New returns a Prober.
func New(o Options) *Prober {
	p := &Prober{o.Resolver, o.HTTPPort, o.TLSPort, o.Timeout, o.ConnectTimeout, o.UserAgent}
	if p.httpPort == 0 {
		p.httpPort = 80
	}
	if p.tlsPort == 0 {
		p.tlsPort = 443
	}
	if p.timeout <= 0 {
		p.timeout = 10 * time.Second
	}
	if p.connectTimeout <= 0 {
		p.connectTimeout = 2 * time.Second
	}
	if p.userAgent == "" {
		p.userAgent = "Everleaf-validator (+https://github.com/everleaf-pki/everleaf)"
	}
	return p
}

// Validates answers nil when DNS can be asked as the resolver wants it: see [Resolver.Validates].
func (p *Prober) Validates(ctx context.Context) error { return p.resolver.Validates(ctx) }

// Look looks once whether the challenge of l is met, and returns the evidence: without Failure it is. When ctx ends
// before the look does, the attempt has failed; whether that says anything is the caller's to decide.
func (p *Prober) Look(ctx context.Context, l policy.Look) acme.Attempt {
	return p.attempt(ctx, l.Identifier, func(ctx context.Context, r *record) (string, error) { return p.look(ctx, r, l) })
}

// attempt makes one look about an identifier, within the time for it, and returns the evidence.
func (p *Prober) attempt(ctx context.Context, id ident.Identifier, look func(context.Context, *record) (seen string, err error)) acme.Attempt {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	var r record
	seen, err := look(ctx, &r)
	attempt := acme.Attempt{
		At:       start.UTC().Truncate(time.Second),
		Duration: acme.Milliseconds(time.Since(start)),
		Lookups:  r.steps(),
		Hops:     r.hops,
		Grant:    r.grant,
		Seen:     seen,
		Reports:  r.reports,
	}
	if err != nil {
		attempt.Failure = &acme.Failure{Kind: string(fault.KindOf(err)), Public: sentence(err), Identifier: id}
		attempt.Seen = sentence(rootOf(err))
		attempt.Retryable = Retryable(err)
	}
	return attempt
}

// look returns what was seen when the challenge is met.
func (p *Prober) look(ctx context.Context, r *record, l policy.Look) (seen string, err error) {
	if !slices.Contains(acme.MethodsFor(l.Identifier), l.Method) {
		return "", final(fault.Malformed, "%s cannot prove control of %s.", shown(string(l.Method)), l.Identifier)
	}
	if l.Method.NamesAccount() && l.Account.URL == "" {
		return "", final(fault.Unauthorized, "%s names the account by its URL, and this server has no external URL.", l.Method)
	}
	g := guard{p.resolver, p.connectTimeout, l}
	switch l.Method {
	case acme.HTTP01:
		return p.http01(ctx, r, g, l)
	case acme.TLSALPN01:
		return p.tlsALPN01(ctx, r, g, l)
	case acme.DNSPersist01:
		return p.dnsPersist01(ctx, r, l)
	default:
		return p.dns01(ctx, r, l)
	}
}
