package ari_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// certificate was issued at a time for so long; n makes its serial number.
func certificate(n int, issued time.Time, life time.Duration) pki.Certificate {
	var random [pki.SerialBytes]byte
	binary.BigEndian.PutUint64(random[8:], uint64(n))
	return pki.Certificate{
		Serial: pki.NewSerial(random), NotBefore: issued, Issued: issued, NotAfter: issued.Add(life - time.Second), Issuer: "issuer",
	}
}

// Whatever the life of a certificate, its window is a window, begins after it was issued and leaves time after it.
// Proves AR-02.
func TestWindows(t *testing.T) {
	for _, life := range []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute, time.Hour, day, 6 * day, 160 * time.Hour,
		10 * day, 10*day + time.Second, 47 * day, 90 * day, 398 * day, 3660 * day,
	} {
		for n := range 1000 {
			c := certificate(n, noon, life)
			w := ari.Natural(c)
			from, to := 0.39, 0.61
			if life > 10*day {
				from, to = 0.56, 0.77
			}
			if life < time.Minute {
				from, to = 0.3, 0.7 // whole seconds
			}
			begins, ends := float64(w.Start.Sub(noon))/float64(life), float64(w.End.Sub(noon))/float64(life)
			if w.End.Sub(w.Start) < ari.MinWindow || begins < from || ends > to || w.Start.Nanosecond() != 0 || w.End.Nanosecond() != 0 {
				t.Fatalf("life %v: from %v (%.2f) to %v (%.2f)", life, w.Start, begins, w.End, ends)
			}
			if w.End.Sub(w.Start) > life/20 && w.End.Sub(w.Start) > ari.MinWindow {
				t.Fatalf("life %v: the window has %v", life, w.End.Sub(w.Start))
			}
			retry := ari.Advise(c, ari.Standing{}, noon).RetryAfter
			if retry < time.Second || retry > 6*time.Hour || retry%time.Second != 0 || retry > time.Second && 2*retry > w.End.Sub(w.Start)+2*time.Second {
				t.Fatalf("life %v: Retry-After %v with a window of %v", life, retry, w.End.Sub(w.Start))
			}
		}
	}
}

// Six hours for certificates that live long. Proves AR-02.
func TestRetryAfter(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		90 * day: 6 * time.Hour, 398 * day: 6 * time.Hour, 50 * day: 6 * time.Hour, 6 * day: 43*time.Minute + 12*time.Second, time.Hour: 18 * time.Second,
		30 * time.Second: time.Second,
	} {
		if got := ari.Advise(certificate(1, noon, life), ari.Standing{}, noon).RetryAfter; got != want {
			t.Errorf("life %v: %v, want %v", life, got, want)
		}
	}
}

// A certificate that is dated back is not told to be renewed at the moment when it is issued, which would never end.
func TestDatedBack(t *testing.T) {
	for n := range 1000 {
		c := certificate(n, noon.Add(-time.Hour), 2*time.Hour)
		c.Issued = noon
		if w := ari.Natural(c); w.Start.Before(noon.Add(20 * time.Minute)) {
			t.Fatalf("issued at %v, to be renewed from %v", noon, w.Start)
		}
	}
}

// TestEvenLoad issues a hundred thousand certificates in one hour and adds up when they come back: by clients that choose
// a random time in their window, as RFC 9773 wants, and by clients that take its beginning. Of twenty parts of the time
// in which they come back, none bears more than an eighth above the mean, and all but the first and last two nine tenths of it.
func TestEvenLoad(t *testing.T) {
	const issued, parts = 100_000, 20
	for _, life := range []time.Duration{6 * day, 90 * day, 398 * day} {
		begin, end := time.Time{}, time.Time{}
		windows := make([]ari.Window, 0, issued)
		for n := range issued {
			w := ari.Natural(certificate(n, noon.Add(time.Duration(n)*time.Hour/issued).Truncate(time.Second), life))
			if begin.IsZero() || w.Start.Before(begin) {
				begin = w.Start
			}
			if w.End.After(end) {
				end = w.End
			}
			windows = append(windows, w)
		}
		if length := end.Sub(begin); length < life/6 || length > life/4 {
			t.Errorf("life %v: all come back within %v", life, length)
		}
		for how, load := range map[string]func(ari.Window, time.Time, time.Time) float64{"random": share, "at the beginning": starts} {
			step := end.Sub(begin) / parts
			for i := range parts {
				from := begin.Add(time.Duration(i) * step)
				var sum float64
				for _, w := range windows {
					sum += load(w, from, from.Add(step))
				}
				relative := sum / (issued / parts)
				if relative > 1.125 || relative < 0.9 && i > 1 && i < parts-2 {
					t.Errorf("life %v, %s: part %d has %.3f of the mean", life, how, i, relative)
				}
			}
		}
	}
}

// share is which part of a window lies between two times.
func share(w ari.Window, from, to time.Time) float64 {
	if w.Start.After(from) {
		from = w.Start
	}
	if w.End.Before(to) {
		to = w.End
	}
	return max(0, float64(to.Sub(from))/float64(w.End.Sub(w.Start)))
}

// starts is 1 for a window that begins between two times.
func starts(w ari.Window, from, to time.Time) float64 {
	if w.Start.Before(from) || !w.Start.Before(to) {
		return 0
	}
	return 1
}

// The window stays where it is, whenever a client asks. Proves AR-02.
func TestTheWindowStays(t *testing.T) {
	c := certificate(7, noon, 90*day)
	first := ari.Advise(c, ari.Standing{}, noon)
	for asked := noon; asked.Before(c.NotAfter.Add(day)); asked = asked.Add(6 * time.Hour) {
		if got := ari.Advise(c, ari.Standing{}, asked); got != first {
			t.Fatalf("at %v it is %+v, first it was %+v", asked, got, first)
		}
	}
}

// What is revoked, or about to be, is to be renewed at once, also by clocks that are behind. Proves AR-03.
func TestWithdrawnCertificates(t *testing.T) {
	revoked := certificate(7, noon, 90*day)
	revoked.Revoked = noon.Add(day)
	now := noon.Add(2 * day)
	first := ari.Advise(revoked, ari.Standing{}, now)
	if !first.End.Before(revoked.Revoked) || !first.Start.Before(first.End) || first != ari.Advise(revoked, ari.Standing{}, now.Add(day)) {
		t.Errorf("revoked at %v: %+v", revoked.Revoked, first)
	}
	revoked.Revoked = now.Add(time.Hour) // by a clock that was ahead
	if got := ari.Advise(revoked, ari.Standing{}, now); !got.End.Before(now) {
		t.Errorf("revoked, at a time to come: %+v", got)
	}
	if got := ari.Advise(certificate(7, noon, 90*day), ari.Standing{Compromised: true}, now); !got.End.Before(now) || !got.Start.Before(got.End) {
		t.Errorf("its key is blocked: %+v", got)
	}
}
