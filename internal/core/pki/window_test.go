package pki_test

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func issuerWithin(notBefore, notAfter time.Time) pki.Issuer {
	return pki.Issuer{NotBefore: notBefore, NotAfter: notAfter}
}

// Validity to the second: what is granted is what was asked, or what the profile says, within the issuer's
// (O-03, BR-01, BR-03).
// Proves BR-01, BR-03, O-03, INC-7.
func TestWindow(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("first") // 90 days, 1 hour of it before now
	wide := issuerWithin(noon.Add(-365*day), noon.Add(365*day))
	last := noon.Add(90*day - time.Hour - time.Second)
	for name, c := range map[string]struct {
		notBefore, notAfter time.Time // asked
		issuer              pki.Issuer
		now                 time.Time
		from, to            time.Time // granted
	}{
		"nothing asked":             {issuer: wide, from: noon.Add(-time.Hour), to: last},
		"a fraction of a second":    {issuer: wide, now: noon.Add(999 * time.Millisecond), from: noon.Add(-time.Hour), to: last},
		"issuer ends earlier":       {issuer: issuerWithin(wide.NotBefore, noon.Add(day)), from: noon.Add(-time.Hour), to: noon.Add(day)},
		"issuer ends in one second": {issuer: issuerWithin(wide.NotBefore, noon.Add(time.Second)), from: noon.Add(-time.Hour), to: noon.Add(time.Second)},
		"issuer began just now":     {issuer: issuerWithin(noon, wide.NotAfter), from: noon, to: noon.Add(90*day - time.Second)},
		"start asked":               {notBefore: noon.Add(day), issuer: wide, from: noon.Add(day), to: noon.Add(91*day - time.Second)},
		"start asked in the past":   {notBefore: noon.Add(-2 * day), issuer: wide, from: noon.Add(-2 * day), to: noon.Add(88*day - time.Second)},
		"latest start":              {notBefore: noon.Add(2 * day), issuer: wide, from: noon.Add(2 * day), to: noon.Add(92*day - time.Second)},
		"start asked, issuer ends":  {notBefore: noon.Add(day), issuer: issuerWithin(wide.NotBefore, noon.Add(3*day)), from: noon.Add(day), to: noon.Add(3 * day)},
		"end asked":                 {notAfter: noon.Add(day), issuer: wide, from: noon.Add(-time.Hour), to: noon.Add(day)},
		"latest end":                {notAfter: last, issuer: wide, from: noon.Add(-time.Hour), to: last},
		"earliest end":              {notAfter: noon.Add(time.Second), issuer: wide, from: noon.Add(-time.Hour), to: noon.Add(time.Second)},
		"end of the issuer":         {notAfter: noon.Add(day), issuer: issuerWithin(wide.NotBefore, noon.Add(day)), from: noon.Add(-time.Hour), to: noon.Add(day)},
		"both asked":                {notBefore: noon, notAfter: noon.Add(90*day - time.Second), issuer: wide, from: noon, to: noon.Add(90*day - time.Second)},
		"one second":                {notBefore: noon.Add(day), notAfter: noon.Add(day), issuer: wide, from: noon.Add(day), to: noon.Add(day)},
		"another time zone":         {notBefore: noon.In(time.FixedZone("", 7200)), issuer: wide, from: noon, to: noon.Add(90*day - time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			if c.now.IsZero() {
				c.now = noon
			}
			from, to, err := pki.Window(spec, c.notBefore, c.notAfter, c.issuer, c.now)
			if err != nil || from != c.from || to != c.to {
				t.Errorf("%v to %v, %v; want %v to %v", from, to, err, c.from, c.to)
			}
		})
	}
}

// Proves BR-01, BR-03, O-03, INC-27.
func TestWindowRefuses(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("first")
	wide := issuerWithin(noon.Add(-365*day), noon.Add(365*day))
	for name, c := range map[string]struct {
		notBefore, notAfter time.Time
		issuer              pki.Issuer
		kind                fault.Kind
		sentence            string
	}{
		"issuer over": {issuer: issuerWithin(wide.NotBefore, noon), kind: fault.Unavailable, sentence: "issuer has expired"},
		"start a second before 48 hours": {
			notBefore: noon.Add(-2*day - time.Second), issuer: wide, kind: fault.Malformed,
			sentence: "notBefore must be a whole second from 2026-11-21T12:00:00Z to 2026-11-25T12:00:00Z",
		},
		"start a second after 48 hours": {notBefore: noon.Add(2*day + time.Second), issuer: wide, kind: fault.Malformed, sentence: "2026-11-25T12:00:00Z"},
		"start before the issuer's": {
			notBefore: noon.Add(-time.Second), issuer: issuerWithin(noon, wide.NotAfter), kind: fault.Malformed,
			sentence: "from 2026-11-23T12:00:00Z to",
		},
		"start after the issuer's end": {notBefore: noon.Add(day), issuer: issuerWithin(wide.NotBefore, noon.Add(time.Hour)), kind: fault.Malformed, sentence: "to 2026-11-23T13:00:00Z"},
		"start with a fraction":        {notBefore: noon.Add(time.Millisecond), issuer: wide, kind: fault.Malformed, sentence: "notBefore must be a whole second"},
		"end a second too late": {
			notBefore: noon, notAfter: noon.Add(90 * day), issuer: wide, kind: fault.Malformed,
			sentence: "notAfter must be a whole second from 2026-11-23T12:00:01Z to 2027-02-21T11:59:59Z",
		},
		"end a second too late for the profile's start": {notAfter: noon.Add(90*day - time.Hour), issuer: wide, kind: fault.Malformed, sentence: "2027-02-21T10:59:59Z"},
		"end after the issuer's":                        {notAfter: noon.Add(day + time.Second), issuer: issuerWithin(wide.NotBefore, noon.Add(day)), kind: fault.Malformed, sentence: "to 2026-11-24T12:00:00Z"},
		"end now":                                       {notAfter: noon, issuer: wide, kind: fault.Malformed, sentence: "from 2026-11-23T12:00:01Z"},
		"end before start":                              {notBefore: noon.Add(day), notAfter: noon.Add(day - time.Second), issuer: wide, kind: fault.Malformed, sentence: "from 2026-11-24T12:00:00Z"},
		"end with a fraction":                           {notAfter: noon.Add(day + time.Nanosecond), issuer: wide, kind: fault.Malformed, sentence: "notAfter must be a whole second"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := pki.Window(spec, c.notBefore, c.notAfter, c.issuer, noon)
			if !fault.Is(err, c.kind) || !strings.Contains(fault.Sentence(err), c.sentence) {
				t.Errorf("%v; want %s with %q", err, c.kind, c.sentence)
			}
		})
	}
}

// A start that lies further back than the whole lifetime would make a certificate that is over at once.
func TestWindowOverAtOnce(t *testing.T) {
	t.Parallel()
	spec := pki.DefaultSpec("first")
	spec.Lifetime, spec.Backdate = span.Of(2*time.Minute), 0
	issuer := issuerWithin(noon.Add(-365*day), noon.Add(365*day))
	_, _, err := pki.Window(spec, noon.Add(-2*time.Minute), time.Time{}, issuer, noon)
	if !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), "over before it is issued") {
		t.Error(err)
	}
	_, notAfter, err := pki.Window(spec, noon.Add(-2*time.Minute+2*time.Second), time.Time{}, issuer, noon)
	if err != nil || notAfter != noon.Add(time.Second) {
		t.Error(notAfter, err)
	}
}

func TestCAWindow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ parentFrom, parentTo, from, to time.Time }{
		"root":              {from: noon.Add(-time.Hour), to: noon.Add(10*day - time.Hour - time.Second)},
		"parent is longer":  {noon.Add(-day), noon.Add(20 * day), noon.Add(-time.Hour), noon.Add(10*day - time.Hour - time.Second)},
		"parent is shorter": {noon, noon.Add(day), noon, noon.Add(day)},
	} {
		if from, to := pki.CAWindow(noon, 10*day, time.Hour, c.parentFrom, c.parentTo); from != c.from || to != c.to {
			t.Errorf("%s: %v to %v, want %v to %v", name, from, to, c.from, c.to)
		}
	}
}
