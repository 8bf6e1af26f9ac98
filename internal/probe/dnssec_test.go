package probe

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/dnssectest"
)

// front is a server between a prober and a real resolver, which it asks for everything but what is told otherwise.
type front struct {
	*chaltest.DNS
	upstream string
}

func newFront(t *testing.T, upstream string, names ...string) front {
	t.Helper()
	f := front{chaltest.NewDNS(t), upstream}
	for _, n := range names {
		f.Respond(n, func(_ chaltest.Query, reply *dns.Msg) *dns.Msg { return f.forward(reply) })
	}
	return f
}

// forward returns what the resolver answers instead of reply.
func (f front) forward(reply *dns.Msg) *dns.Msg {
	query := new(dns.Msg)
	query.SetQuestion(reply.Question[0].Name, reply.Question[0].Qtype)
	query.AuthenticatedData = true
	query.SetEdns0(udpSize, true)
	answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(query, f.upstream)
	if err != nil {
		return nil
	}
	answer.Id = reply.Id
	return answer
}

// breakCAA lets questions for the CAA records of a name fail.
func (f front) breakCAA(name string, failure func(*dns.Msg) *dns.Msg) {
	f.Respond(name, func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		if q.Type == "CAA" {
			return failure(reply)
		}
		return f.forward(reply)
	})
}

func withRcode(rcode int) func(*dns.Msg) *dns.Msg {
	return func(reply *dns.Msg) *dns.Msg {
		reply.Rcode, reply.Answer = rcode, nil
		return reply
	}
}

func bogus(reply *dns.Msg) *dns.Msg {
	reply.IsEdns0().Option = append(reply.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus})
	return withRcode(dns.RcodeServerFailure)(reply)
}

// hasty gives up early on servers that stay silent.
func hasty(t *testing.T, o ResolverOptions) *Prober {
	t.Helper()
	o.Timeout, o.Tries = 300*time.Millisecond, 1
	resolver, err := NewResolver(o)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Resolver: resolver})
}

// Proves CAA-08, INC-13. Of all ways to fail, a failure in a zone that is proven to be unsigned may be passed over, and
// nothing else, and that only where the question allows it.
func TestFailuresOfCAA(t *testing.T) {
	world := dnssectest.New(t)
	validating, plain := world.Resolver(t, true), world.Resolver(t, false)
	failures := map[string]func(*dns.Msg) *dns.Msg{
		"SERVFAIL": withRcode(dns.RcodeServerFailure),
		"REFUSED":  withRcode(dns.RcodeRefused),
		"timeout":  func(*dns.Msg) *dns.Msg { return nil },
		"bogus":    bogus,
	}
	zones := map[string]struct{ zone, upstream string }{
		"signed":            {"signed.test", validating},
		"insecure":          {"plain.test", validating},
		"insecure by NSEC3": {"plain.three.test", validating},
		"indeterminate":     {"plain.test", plain},
	}
	for how, failure := range failures {
		for what, z := range zones {
			f := newFront(t, z.upstream, "test", "three.test", z.zone)
			p := hasty(t, ResolverOptions{Upstreams: []string{f.Addr()}})
			for _, mayFail := range []bool{false, true} {
				f.breakCAA("www."+z.zone, failure)
				q := asked("www." + z.zone)
				q.MayFail = mayFail
				attempt := lookCAA(t, p, q)
				passes := mayFail && how != "bogus" && strings.HasPrefix(what, "insecure")
				if (attempt.Failure == nil) != passes {
					t.Errorf("%s, %s, may fail %t: %s\n%+v", how, what, mayFail, verdict(attempt), attempt.Lookups)
				}
				if passes && !strings.Contains(attempt.Seen, "The look-up failed at www."+z.zone+", in a zone that is proven to be unsigned.") {
					t.Errorf("%s, %s: %q does not tell of it", how, what, attempt.Seen)
				}
			}
		}
	}
	t.Run("a failure that is passed over is no permission by the names above", func(t *testing.T) {
		f := newFront(t, validating, "test", "plain.test")
		f.breakCAA("www.plain.test", withRcode(dns.RcodeServerFailure))
		q := asked("www.plain.test")
		q.MayFail, q.Identities = true, []string{"another.example"}
		wantVerdict(t, lookCAA(t, hasty(t, ResolverOptions{Upstreams: []string{f.Addr()}}), q), "caa: The CAA records of plain.test do not let this CA issue")
	})
	t.Run("a zone that is not signed leads elsewhere", func(t *testing.T) {
		const undecided = "caa: Whether CAA records let this CA issue"
		for name, want := range map[string]string{"signed.plain.test": undecided, "ring.plain.test": undecided, "other.plain.test": "valid"} {
			f := newFront(t, validating, "test", "plain.test", "www.plain.test", "round.plain.test", "signed.test", "www.signed.test", name)
			f.breakCAA(name, withRcode(dns.RcodeServerFailure))
			q := asked(name)
			q.MayFail = true
			wantVerdict(t, lookCAA(t, hasty(t, ResolverOptions{Upstreams: []string{f.Addr()}}), q), want)
		}
	})
	t.Run("no proof is put together from two servers", func(t *testing.T) {
		f, other := newFront(t, validating, "test", "signed.test"), newFront(t, plain, "test", "signed.test", "www.signed.test")
		for _, one := range []front{f, other} {
			one.breakCAA("www.signed.test", withRcode(dns.RcodeServerFailure))
		}
		f.Respond("signed.test", func(_ chaltest.Query, reply *dns.Msg) *dns.Msg { return withRcode(dns.RcodeServerFailure)(reply) })
		q := asked("www.signed.test")
		q.MayFail = true
		p := hasty(t, ResolverOptions{Upstreams: []string{f.Addr(), other.Addr()}})
		wantVerdict(t, lookCAA(t, p, q), "caa: Whether CAA records let this CA issue")
	})
}

// Proves CAA-08. That a child is not signed is for its parent to say, of that very child (RFC 6840 section 4.4).
func TestWhatDeniesSigning(t *testing.T) {
	const hash = "1 0 0 - " // NSEC3 of RFC 5155: SHA-1, no iterations, no salt
	hashed := dns.HashName("plain.test.", dns.SHA1, 0, "")
	for record, want := range map[string]bool{
		"plain.test. NSEC z.test. NS RRSIG NSEC":             true,
		"PLAIN.test. NSEC z.test. NS RRSIG NSEC":             true,
		"plain.test. NSEC z.test. NS DS RRSIG NSEC":          false, // it has keys
		"plain.test. NSEC a.plain.test. NS SOA RRSIG NSEC":   false, // the child says it
		"plain.test. NSEC z.test. A RRSIG NSEC":              false, // no delegation
		"other.test. NSEC z.test. NS RRSIG NSEC":             false, // of another
		"a.test. NSEC z.test. NS RRSIG NSEC":                 false, // across it
		hashed + ".test. NSEC3 " + hash + hashed + " NS":     true,
		hashed + ".test. NSEC3 " + hash + hashed + " NS DS":  false,
		hashed + ".test. NSEC3 " + hash + hashed + " NS SOA": false,
		hashed + ".test. NSEC3 " + hash + hashed + " A":      false,
		hashed + ".two. NSEC3 " + hash + hashed + " NS":      false,
	} {
		rr, err := dns.NewRR(record)
		if err != nil {
			t.Fatal(err)
		}
		if got := deniesSigning([]dns.RR{rr}, "plain.test."); got != want {
			t.Errorf("%s: %t", record, got)
		}
	}
}

// Proves INC-47, CAA-08. A chain of aliases is as safe as its weakest zone, and no safer; what the resolver says of it is
// kept with the code of RFC 8914.
func TestAliasesBetweenSignedAndUnsigned(t *testing.T) {
	world := dnssectest.New(t)
	p := hasty(t, ResolverOptions{Upstreams: []string{world.Resolver(t, true)}})
	for name, want := range map[string]string{
		"plain.signed.test": "valid",                                      // signed -> unsigned
		"dead.signed.test":  "caa: Whether CAA records let this CA issue", // signed -> unsigned -> no answer
		"bogus.plain.test":  "caa: Whether CAA records let this CA issue", // unsigned -> bogus
		"www.bogus.test":    "caa: Whether CAA records let this CA issue", // bogus
		"www.dead.test":     "valid",                                      // unsigned, no answer
		"www.signed.test":   "valid",
	} {
		q := asked(name)
		q.MayFail = true
		attempt := lookCAA(t, p, q)
		wantVerdict(t, attempt, want)
		if strings.Contains(name, "bogus") && (!strings.Contains(attempt.Lookups[0].Result, "SERVFAIL (DN") || attempt.Retryable) {
			t.Errorf("%s: %+v", name, attempt)
		}
	}
}

// Proves DN-04, BR-15, SC-03. What DNSSEC finds bogus proves nothing, by whatever method, and no other server is asked
// that may not validate.
func TestBogusProvesNothing(t *testing.T) {
	world := dnssectest.New(t)
	validating, plain := world.Resolver(t, true), world.Resolver(t, false)
	httpPort := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(keyAuthorization)) })
	at := func(servers ...string) *Prober {
		return New(Options{Resolver: newResolver(t, servers...), HTTPPort: httpPort})
	}
	for _, method := range []acme.Method{acme.HTTP01, acme.DNS01, acme.TLSALPN01} {
		for what, p := range map[string]*Prober{"a resolver that validates": at(validating), "one before another that does not": at(validating, plain)} {
			attempt := look(t, p, lookFor(method, name("www.bogus.test")))
			wantVerdict(t, attempt, "dns: DNSSEC shows that the answers for ")
			if attempt.Retryable {
				t.Errorf("%s by %s is tried again", what, method)
			}
		}
	}
	for _, zone := range []string{"www.signed.test", "www.plain.test"} {
		attempt := look(t, at(validating), lookFor(acme.HTTP01, name(zone)))
		wantVerdict(t, attempt, "valid")
		for _, l := range attempt.Lookups {
			if l.Authenticated != (zone == "www.signed.test") {
				t.Errorf("%s: %+v", zone, l)
			}
		}
	}
	wantVerdict(t, look(t, at(plain), lookFor(acme.HTTP01, name("www.bogus.test"))), "valid") // so that the refusals above mean something
}

// Proves DN-04, BR-15. Where validation is demanded, a server that does not show it is not believed.
func TestSignedDemandsValidation(t *testing.T) {
	world := dnssectest.New(t)
	validating, plain := world.Resolver(t, true), world.Resolver(t, false)
	demanding := func(servers ...string) *Resolver {
		r, err := NewResolver(ResolverOptions{Upstreams: servers, Timeout: 2 * time.Second, Tries: 1, Signed: "."})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const refusal = "No DNS server could answer for signed.test: not asked, because it does not validate DNSSEC."
	if _, _, err := demanding(plain).CAA(t.Context(), "signed.test"); !strings.HasPrefix(outcome(err), refusal) {
		t.Errorf("one that does not validate: %v", err)
	}
	set, steps, err := demanding(plain, validating).CAA(t.Context(), "signed.test")
	if err != nil || len(set) != 1 || len(steps) != 2 || !steps[1].Authenticated || steps[0].Authenticated {
		t.Errorf("one that does not and one that does: %v, %+v, %v", set, steps, err)
	}
	if err := demanding(plain, validating).Validates(t.Context()); err != nil {
		t.Error(err)
	}
	if err := demanding(plain).Validates(t.Context()); err == nil || !strings.Contains(err.Error(), "No DNS server returns the SOA record of . authenticated") {
		t.Error(err)
	}
	if err := demanding("127.0.0.1:1").Validates(t.Context()); err == nil || !strings.Contains(err.Error(), "server unreachable") {
		t.Error(err)
	}
	unsigned, err := NewResolver(ResolverOptions{Upstreams: []string{validating}, Signed: "plain.test"})
	if err != nil {
		t.Fatal(err)
	}
	if unsigned.Validates(t.Context()) == nil {
		t.Error("a zone that is not signed shows nothing")
	}
	if err := newResolver(t, plain).Validates(t.Context()); err != nil {
		t.Errorf("where nothing is demanded: %v", err)
	}
}
