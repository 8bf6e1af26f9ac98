package pki_test

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// At each date of the Baseline Requirements the validity is what holds then, to the second, both ends counted.
// Proves BR-01, INC-7.
func TestPublicLifetimeAtEachDate(t *testing.T) {
	t.Parallel()
	date := func(year int) time.Time { return time.Date(year, time.March, 15, 0, 0, 0, 0, time.UTC) }
	spec := publicSpec()
	spec.Lifetime, spec.Backdate = 500*span.Day, 0
	issuer := issuerWithin(date(2020), date(2040))
	for _, c := range []struct {
		at            time.Time
		before, after int // days
	}{
		{date(2026), 398, 200}, {date(2027), 200, 100}, {date(2029), 100, 47},
	} {
		for offset, days := range map[time.Duration]int{-time.Second: c.before, 0: c.after, time.Second: c.after} {
			now := c.at.Add(offset)
			notBefore, notAfter, err := pki.Window(spec, time.Time{}, time.Time{}, issuer, now)
			if err != nil || !notBefore.Equal(now) || notAfter.Sub(notBefore)+time.Second != time.Duration(days)*day {
				t.Errorf("at %s: %s to %s (%v); want %d days", now, notBefore, notAfter, err, days)
			}
			if _, _, err := pki.Window(spec, now, now.Add(time.Duration(days)*day), issuer, now); err == nil {
				t.Errorf("at %s: a second more than %d days is granted", now, days)
			}
		}
		// What is dated back, and what is dated forward, gets no more than the later of its two dates permits.
		later := c.at.Add(-time.Hour)
		if from, to, err := pki.Window(spec, c.at, time.Time{}, issuer, later); err != nil || to.Sub(from)+time.Second != time.Duration(c.after)*day {
			t.Errorf("dated forward to %s: %s to %s (%v)", c.at, from, to, err)
		}
		if from, to, err := pki.Window(spec, later, time.Time{}, issuer, c.at); err != nil || to.Sub(from)+time.Second != time.Duration(c.after)*day {
			t.Errorf("dated back from %s: %s to %s (%v)", c.at, from, to, err)
		}
	}
	spec.Public = false
	if got := spec.LifetimeAt(date(2029)); got != 500*day {
		t.Errorf("a private profile gives %s", got)
	}
}

// A profile may get shorter on dates of its own.
func TestLifetimesByDate(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("default")
	spec.Lifetimes = []pki.Lifetime{{From: "2027-03-15", Lifetime: 47 * span.Day}, {From: "2028-01-01", Lifetime: 7 * span.Day}}
	for at, days := range map[string]int{
		"2027-03-14T23:59:59Z": 90, "2027-03-15T00:00:00Z": 47, "2027-12-31T23:59:59Z": 47, "2028-01-01T00:00:00Z": 7, "2100-01-01T00:00:00Z": 7,
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if got := spec.LifetimeAt(moment); err != nil || got != time.Duration(days)*day {
			t.Errorf("at %s: %s, want %d days", at, got, days)
		}
	}
}

// Proves BR-07, IP-04.
func TestNamesOfPublicCertificates(t *testing.T) {
	t.Parallel()
	public, private := publicSpec(), pki.DefaultSpec("default")
	for name, reason := range map[string]string{
		"shop.example.com": "", "*.example.com": "", "example.co.uk": "", "shop.github.io": "", "192.88.98.1": "", "8.8.8.8": "", "2606:4700::1111": "",
		"host.internal": "internal name", "*.corp.lan": "internal name", "printer.local": "internal name", "a.b.notatld": "internal name",
		"10.0.0.1": "reserved", "172.31.255.255": "reserved", "192.168.1.1": "reserved", "127.0.0.1": "reserved", "169.254.169.254": "reserved",
		"100.64.0.1": "reserved", "192.0.2.7": "reserved", "203.0.113.7": "reserved", "224.0.0.1": "reserved", "255.255.255.255": "reserved", "0.0.0.0": "reserved",
		"::1": "reserved", "fc00::1": "reserved", "fe80::1": "reserved", "2001:db8::1": "reserved", "2002::1": "reserved", "ff02::1": "reserved", "64:ff9b::1": "reserved",
	} {
		id := parseIdent(t, name)
		if got := public.RefuseName(id); (got == "") != (reason == "") || !strings.Contains(got, reason) {
			t.Errorf("%s: %q, want %q", name, got, reason)
		}
		if got := private.RefuseName(id); got != "" {
			t.Errorf("%s is refused by a private profile: %s", name, got)
		}
	}
}

// publicSpec is a profile for public certificates.
func publicSpec() pki.Spec {
	spec := pki.DefaultSpec("default")
	spec.Public = true
	spec.Keys = []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA}
	spec.Policies = []pki.Policy{{OID: pki.PolicyDomainValidated}}
	return spec
}
