package wire

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Time is a timestamp as ACME writes it (RFC 3339): here always in UTC and whole seconds. The zero value is none.
type Time time.Time

// IsZero reports whether t is no time.
func (t Time) IsZero() bool { return time.Time(t).IsZero() }

// MarshalText writes the timestamp.
func (t Time) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, time.RFC3339), nil
}

// UnmarshalText reads a timestamp, also one with fractions of a second, as other servers write them.
func (t *Time) UnmarshalText(text []byte) error { return (*time.Time)(t).UnmarshalText(text) }

// asked reads a time that a requester may leave out. An absent, null or empty member and the zero time of year 1, which
// some clients send for "none", ask for nothing. Fractions of a second cannot be certified and are refused.
func asked(member string, text *string) (time.Time, error) {
	if text == nil || *text == "" {
		return time.Time{}, nil
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(*text)); err != nil || t.Nanosecond() != 0 {
		return time.Time{}, fault.New(fault.Malformed,
			"The %s is not a time in whole seconds; write it as in RFC 3339, like 2027-01-31T12:00:00Z.", member)
	}
	return t.UTC(), nil
}
