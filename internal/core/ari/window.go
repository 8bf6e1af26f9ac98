package ari

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The renewals of all certificates of one age are spread over a slice of their life, a fifth of it: around two thirds of
// the life of a certificate, and around half of it when that is not more than ten days. Each has a narrow window in the
// slice. So a burst of issuance comes back as an even load, also from clients that do not choose a random time in their
// window, and the last begins when more than a fifth of the life is left.
const (
	shortLife = 10 * 24 * time.Hour

	slicePart  = 5   // a slice is this part of the life
	windowPart = 100 // a window is this part
	retryPart  = 200 // and a client looks twice while it lasts
	sparePart  = 10  // no override ends when less than this part is left

	longestRetry = 6 * time.Hour
)

// MinWindow is how long a window is at least. Clients that choose a second strictly between the ends refuse a shorter one.
const MinWindow = 2 * time.Second

// passed is how long before the moment of a withdrawal the window lies that says so, and how long it is: in the past for
// clients whose clocks are behind, too.
const passed = time.Hour

// Window is when a certificate should be renewed: "the client SHOULD select a uniform random time within the suggested
// window" (RFC 9773 section 4.2). Both ends are whole seconds, MinWindow apart or more.
type Window struct {
	Start time.Time
	End   time.Time
}

// Advice is what the holder of a certificate is told.
type Advice struct {
	Window
	Explanation string        // URL of a page that says why the window is what it is; "" without one
	RetryAfter  time.Duration // when to ask again
}

// Standing is what may have happened to a certificate.
type Standing struct {
	Compromised bool       // its key is blocked: it is about to be revoked
	Overrides   []Override // in force, the newest first
}

// Advise returns when a certificate should be renewed: at once when it is worth nothing any more, or about to be; else
// when the newest override that covers it says, if that is in time; else in its window.
func Advise(c pki.Certificate, s Standing, now time.Time) Advice {
	advice := Advice{Window: Natural(c), RetryAfter: retryAfter(c)}
	for _, o := range s.Overrides {
		if o.Covers(c) {
			advice.Explanation = o.Explanation
			if !o.Window.End.After(latest(c)) {
				advice.Window = o.Window
			}
			break
		}
	}
	switch {
	case !c.Revoked.IsZero() && c.Revoked.Before(now):
		advice.Window = before(c.Revoked)
	case !c.Revoked.IsZero() || s.Compromised:
		advice.Window = before(now)
	}
	return advice
}

// before returns a window that is over at t, for whoever's clock.
func before(t time.Time) Window { return Window{Start: t.Add(-2 * passed), End: t.Add(-passed)} }

// Natural returns the window of a certificate of which nothing else is known. It depends on the certificate alone, so
// that it stays where it is however often a client asks.
func Natural(c pki.Certificate) Window {
	begin, life := usable(c)
	middle := life * 2 / 3
	if life <= shortLife {
		middle = life / 2
	}
	slice, width := life/slicePart, max(life/windowPart, MinWindow)
	start := begin.Add(middle - slice/2 + place(c.Serial, slice-width)).Truncate(time.Second)
	return Window{Start: start, End: start.Add(width.Truncate(time.Second))}
}

// usable returns since when and for how long the holder has a certificate. A certificate that is dated back was not
// theirs before it was issued: a window there would let them renew for ever.
func usable(c pki.Certificate) (begin time.Time, life time.Duration) {
	begin = c.NotBefore
	if c.Issued.After(begin) {
		begin = c.Issued
	}
	return begin, max(c.NotAfter.Add(time.Second).Sub(begin), 0)
}

// latest returns when a renewal must have begun, so that a failure can be mended.
func latest(c pki.Certificate) time.Time {
	begin, life := usable(c)
	return begin.Add(life - life/sparePart)
}

// place returns where in a span the serial number puts a certificate, in whole seconds: evenly over many certificates,
// however serial numbers are made.
func place(s pki.Serial, span time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(s))
	seconds := int64(max(span, 0) / time.Second)
	return time.Duration(seconds*int64(binary.BigEndian.Uint32(sum[:4]))>>32) * time.Second
}

// retryAfter is a part of the certificate's life: a change of the window is seen in time, and nobody asks in vain all day.
func retryAfter(c pki.Certificate) time.Duration {
	_, life := usable(c)
	return min(max((life/retryPart).Truncate(time.Second), time.Second), longestRetry)
}
