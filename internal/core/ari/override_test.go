package ari_test

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// An operator moves the windows of a set of certificates, with the reason, and no others.
func TestOverrides(t *testing.T) {
	c := certificate(7, noon, 90*day)
	now := noon.Add(day)
	window := ari.Window{Start: noon.Add(day), End: noon.Add(2 * day)}
	made := ari.Override{ID: "1", Set: pki.Filter{Issuers: []string{"issuer"}}, Window: window, Explanation: "https://ca.example/why", Created: now}
	with := func(change func(*ari.Override)) ari.Override {
		o := made
		change(&o)
		return o
	}
	natural := ari.Natural(c)
	for what, test := range map[string]struct {
		overrides []ari.Override
		want      ari.Window
		why       string
	}{
		"none":                 {nil, natural, ""},
		"one":                  {[]ari.Override{made}, window, made.Explanation},
		"of other issuers":     {[]ari.Override{with(func(o *ari.Override) { o.Set.Issuers = []string{"other"} })}, natural, ""},
		"that has ended":       {[]ari.Override{with(func(o *ari.Override) { o.Ended = now })}, natural, ""},
		"made before it":       {[]ari.Override{with(func(o *ari.Override) { o.Created = c.Issued.Add(-time.Second) })}, natural, ""},
		"made in its second":   {[]ari.Override{with(func(o *ari.Override) { o.Created = c.Issued })}, window, made.Explanation},
		"the newest of two":    {[]ari.Override{with(func(o *ari.Override) { o.Window.End = o.Window.End.Add(day) }), made}, ari.Window{Start: window.Start, End: window.End.Add(day)}, made.Explanation},
		"behind one of others": {[]ari.Override{with(func(o *ari.Override) { o.Set.Account = "x" }), made}, window, made.Explanation},
		"too late": {
			[]ari.Override{with(func(o *ari.Override) { o.Window.End = c.NotAfter.Add(-time.Hour) })}, natural, made.Explanation,
		},
	} {
		got := ari.Advise(c, ari.Standing{Overrides: test.overrides}, now)
		if got.Window != test.want || got.Explanation != test.why {
			t.Errorf("%s: %+v, want %+v", what, got, test.want)
		}
	}
	c.Revoked = now.Add(-time.Hour)
	if got := ari.Advise(c, ari.Standing{Overrides: []ari.Override{made}}, now); !got.End.Before(now) || got.Explanation != made.Explanation {
		t.Errorf("revoked and with an override: %+v; want it at once, with the reason", got)
	}
}
