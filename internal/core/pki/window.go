package pki

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Window decides the first and the last second of a certificate that is signed at now. A zero asked time leaves the
// choice to the profile; what it chooses is clipped to the issuer's validity, so that no leaf outlives its issuer. What
// was asked is granted exactly or refused as Malformed with the range that is possible (RFC 8555 section 7.4), the
// start within MaxBackdate of now. Unavailable says that the issuer's own time is over.
func Window(
	spec Spec, askedNotBefore, askedNotAfter time.Time, issuer Issuer, now time.Time,
) (notBefore, notAfter time.Time, err error) {
	if !now.Before(issuer.NotAfter) {
		return time.Time{}, time.Time{}, fault.New(fault.Unavailable,
			"The certificate of the issuer has expired; nothing can be issued until the operator makes the next one.")
	}
	notBefore, _ = Validity(now, spec.Lifetime.Duration(), spec.Backdate.Duration())
	notBefore = later(notBefore, issuer.NotBefore)
	if !askedNotBefore.IsZero() {
		notBefore = askedNotBefore.UTC()
		if err := checkNotBefore(notBefore, issuer, now); err != nil {
			return time.Time{}, time.Time{}, err
		}
	}
	// What holds at the later of signing and beginning is the shorter, and nobody can call the certificate too long.
	lifetime := spec.LifetimeAt(later(now, notBefore))
	latest := earlier(notBefore.Add(lifetime-time.Second), issuer.NotAfter)
	if askedNotAfter.IsZero() {
		notAfter = latest
	} else {
		notAfter = askedNotAfter.UTC()
	}
	return notBefore, notAfter, checkNotAfter(notAfter, notBefore, latest, now)
}

func checkNotBefore(asked time.Time, issuer Issuer, now time.Time) error {
	from := later(wholeSecond(now.Add(-MaxBackdate)), issuer.NotBefore)
	to := earlier(wholeSecond(now.Add(MaxBackdate)), issuer.NotAfter)
	if asked.Before(from) || asked.After(to) || asked.Nanosecond() != 0 {
		return outside("notBefore", from, to)
	}
	return nil
}

func checkNotAfter(notAfter, notBefore, latest, now time.Time) error {
	from := later(notBefore, wholeSecond(now).Add(time.Second))
	if notAfter.Before(from) || notAfter.After(latest) || notAfter.Nanosecond() != 0 {
		return outside("notAfter", from, latest)
	}
	return nil
}

func outside(field string, from, to time.Time) error {
	if to.Before(from) {
		return fault.New(fault.Malformed, "With this notBefore the certificate would be over before it is issued; ask for a later one.")
	}
	return fault.New(fault.Malformed, "%s must be a whole second from %s to %s; leave it out to let the profile choose.",
		field, from.Format(time.RFC3339), to.Format(time.RFC3339))
}

// CAWindow returns the validity of a CA certificate that is signed at now, clipped to that of its parent; a zero
// parentNotAfter is for a root.
func CAWindow(now time.Time, lifetime, backdate time.Duration, parentNotBefore, parentNotAfter time.Time) (notBefore, notAfter time.Time) {
	notBefore, notAfter = Validity(now, lifetime, backdate)
	if parentNotAfter.IsZero() {
		return notBefore, notAfter
	}
	return later(notBefore, parentNotBefore), earlier(notAfter, parentNotAfter)
}

func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b.UTC()
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b.UTC()
	}
	return a
}
