package manage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func TestOverrideRenewal(t *testing.T) {
	i := newReady(t)
	issuer := i.issuers(t, manage.Default)[0].ID
	i.issue(t, "old.example.com")
	i.Clock.Advance(time.Hour)
	i.issue(t, "a.example.com")
	i.issue(t, "b.example.org")
	i.Clock.Advance(time.Minute)
	now := i.Clock.Now().Truncate(time.Second)
	connector, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		asked  manage.NewOverride
		set    pki.Filter
		window ari.Window
		covers int
	}{
		"a name, from now for a day": {
			manage.NewOverride{Set: manage.CertificateFilter{Name: ".Example.com"}},
			pki.Filter{Name: ".example.com"},
			ari.Window{Start: now, End: now.Add(day)},
			2,
		},
		"all of an issuer's name": {
			manage.NewOverride{Set: manage.CertificateFilter{Issuer: manage.Default}, Start: now.Add(day)},
			pki.Filter{Issuers: []string{issuer}},
			ari.Window{Start: now.Add(day), End: now.Add(2 * day)},
			3,
		},
		"an issuer's id, in the past": {
			manage.NewOverride{Set: manage.CertificateFilter{Issuer: issuer}, Start: now.Add(-2 * day), End: now.Add(-day)},
			pki.Filter{Issuers: []string{issuer}},
			ari.Window{Start: now.Add(-2 * day), End: now.Add(-day)},
			3,
		},
		"everything else": {
			manage.NewOverride{
				Set:         manage.CertificateFilter{Connector: manage.Default, Profile: "x", Account: "y", IssuedAfter: now, IssuedBefore: now.Add(day)},
				End:         now.Add(time.Hour),
				Explanation: "https://ca.example.com/why?x=1",
			},
			pki.Filter{Connector: connector.ID, Profile: "x", Account: "y", IssuedAfter: now, IssuedBefore: now.Add(day)},
			ari.Window{Start: now, End: now.Add(time.Hour)},
			0,
		},
		"those that were issued first": {
			manage.NewOverride{Set: manage.CertificateFilter{IssuedBefore: now.Add(-30 * time.Minute)}},
			pki.Filter{IssuedBefore: now.Add(-30 * time.Minute)},
			ari.Window{Start: now, End: now.Add(day)},
			1,
		},
		"all": {manage.NewOverride{All: true}, pki.Filter{}, ari.Window{Start: now, End: now.Add(day)}, 3},
	} {
		t.Run(what, func(t *testing.T) {
			made, covered, err := i.OverrideRenewal(t.Context(), operator, test.asked)
			if err != nil {
				t.Fatal(err)
			}
			want := ari.Override{ID: made.ID, Set: test.set, Window: test.window, Explanation: test.asked.Explanation, Created: now}
			if diff := cmp.Diff(want, made.Override); diff != "" || covered != (manage.Coverage{Certificates: test.covers}) {
				t.Errorf("it covers %+v; %s", covered, diff)
			}
			events, err := i.Store.Events(t.Context(), made.ID, "", 10)
			if err != nil || len(events) != 1 || events[0].Action != event.RenewalOverridden || events[0].Actor != string(operator) {
				t.Errorf("the log has %+v (%v)", events, err)
			}
		})
	}
	t.Run("listed and ended", func(t *testing.T) {
		before, err := i.Overrides(t.Context(), false)
		if err != nil || len(before) != 6 {
			t.Fatalf("%d overrides are in force (%v)", len(before), err)
		}
		ended, err := i.EndOverride(t.Context(), operator, before[0].ID)
		if err != nil || !ended.Ended.Equal(now) {
			t.Errorf("ended at %v (%v)", ended.Ended, err)
		}
		after, err := i.Overrides(t.Context(), false)
		if diff := cmp.Diff(before[1:], after); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if all, err := i.Overrides(t.Context(), true); err != nil || len(all) != 6 {
			t.Errorf("%d with the ended one (%v)", len(all), err)
		}
		if _, err := i.EndOverride(t.Context(), operator, "x"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown one: %v", err)
		}
	})
}

// What has expired needs no renewal, and is not counted.
func TestExpiredCertificatesAreNotCovered(t *testing.T) {
	i := newReady(t)
	i.issue(t, "a.example.com")
	for _, want := range []int{1, 0} {
		_, covered, err := i.OverrideRenewal(t.Context(), operator, manage.NewOverride{All: true})
		if err != nil || covered.Certificates != want {
			t.Errorf("%+v are covered, want %d (%v)", covered, want, err)
		}
		i.Clock.Advance(91 * day)
	}
}

func TestOverridesThatAreRefused(t *testing.T) {
	i := newReady(t)
	now := i.Clock.Now()
	some := manage.CertificateFilter{Name: "a.example.com"}
	for what, test := range map[string]struct {
		asked manage.NewOverride
		kind  fault.Kind
	}{
		"no set":                 {manage.NewOverride{}, fault.Malformed},
		"a set and all":          {manage.NewOverride{Set: some, All: true}, fault.Malformed},
		"a window of no length":  {manage.NewOverride{Set: some, Start: now, End: now}, fault.Malformed},
		"a window of a second":   {manage.NewOverride{Set: some, Start: now, End: now.Add(time.Second)}, fault.Malformed},
		"a window backwards":     {manage.NewOverride{Set: some, Start: now, End: now.Add(-time.Hour)}, fault.Malformed},
		"an explanation in text": {manage.NewOverride{Set: some, Explanation: "because"}, fault.Malformed},
		"a URL that runs":        {manage.NewOverride{Set: some, Explanation: "javascript://x/"}, fault.Malformed},
		"a URL without a host":   {manage.NewOverride{Set: some, Explanation: "https:///why"}, fault.Malformed},
		"a URL of two lines":     {manage.NewOverride{Set: some, Explanation: "https://ca.example.com/\u2028"}, fault.Malformed},
		"a URL without end":      {manage.NewOverride{Set: some, Explanation: "https://ca.example.com/" + strings.Repeat("x", 1024)}, fault.Malformed},
		"no name":                {manage.NewOverride{Set: manage.CertificateFilter{Name: "a b"}}, fault.Malformed},
		"no such connector":      {manage.NewOverride{Set: manage.CertificateFilter{Connector: "x"}}, fault.NotFound},
		"no such issuer":         {manage.NewOverride{Set: manage.CertificateFilter{Issuer: "x"}}, fault.NotFound},
	} {
		if _, _, err := i.OverrideRenewal(t.Context(), operator, test.asked); !fault.Is(err, test.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := i.EndOverride(t.Context(), operator, "none")
	expect(t, err, fault.NotFound, `There is no override "none"`)
	for n := range 101 {
		_, _, err := i.OverrideRenewal(t.Context(), operator, manage.NewOverride{Set: some})
		if (n == 100) != fault.Is(err, fault.Conflict) || n < 100 && err != nil {
			t.Fatalf("override %d: %v", n+1, err)
		}
	}
}

// Lists of certificates know the same sets.
func TestCertificatesByIssuerAndTime(t *testing.T) {
	i := newReady(t)
	first := i.issue(t, "a.example.com")
	i.Clock.Advance(time.Hour)
	second := i.issue(t, "b.example.com")
	for _, test := range []struct {
		filter manage.CertificateFilter
		want   []string
	}{
		{manage.CertificateFilter{Issuer: manage.Default}, []string{second.ID, first.ID}},
		{manage.CertificateFilter{Issuer: first.Issuer}, []string{second.ID, first.ID}},
		{manage.CertificateFilter{Issuer: "root"}, nil},
		{manage.CertificateFilter{Profile: manage.Default}, []string{second.ID, first.ID}},
		{manage.CertificateFilter{Profile: "x"}, nil},
		{manage.CertificateFilter{IssuedBefore: start.Add(time.Minute)}, []string{first.ID}},
		{manage.CertificateFilter{IssuedAfter: start.Add(time.Minute)}, []string{second.ID}},
	} {
		found, _, err := i.Certificates(t.Context(), test.filter, manage.Page{})
		var ids []string
		for _, c := range found {
			ids = append(ids, c.ID)
		}
		if diff := cmp.Diff(test.want, ids); diff != "" || err != nil {
			t.Errorf("%+v: %v %s", test.filter, err, diff)
		}
	}
}
