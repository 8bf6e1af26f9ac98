// Package span is a length of time as people write it in settings: "90d", "160h", "2m", "1d12h".
package span

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrSpan is wrapped by Parse's errors.
var ErrSpan = errors.New("invalid length of time")

// Span is a length of time. A day is 86,400 seconds.
type Span time.Duration

// Day is 24 hours.
const Day = Span(24 * time.Hour)

// Max is the longest span that Parse reads: just below 65,536 days, which is what String can write.
const Max = 65536*Day - 1

// Of returns d as a span.
func Of(d time.Duration) Span { return Span(d) }

// Duration returns s as a time.Duration.
func (s Span) Duration() time.Duration { return time.Duration(s) }

// Parse reads an optional number of days ("90d") followed by what time.ParseDuration takes. Negative spans and those
// longer than Max are refused.
func Parse(text string) (Span, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%w %q: write it like 90d, 160h or 1d12h", ErrSpan, text)
	}
	var tail time.Duration
	if rest != "" {
		if tail, err = time.ParseDuration(rest); err != nil || tail < 0 {
			return 0, fmt.Errorf("%w %q: write it like 90d, 160h or 1d12h", ErrSpan, text)
		}
	} else if !found {
		return 0, fmt.Errorf("%w: it is empty", ErrSpan)
	}
	if Span(tail) > Max-Span(n)*Day {
		return 0, fmt.Errorf("%w %q: it is longer than 65535 days", ErrSpan, text)
	}
	return Span(n)*Day + Span(tail), nil
}

// String writes whole days and the rest in the spelling that Parse reads.
func (s Span) String() string {
	days, rest := s/Day, time.Duration(s%Day)
	switch {
	case days > 0 && rest > 0:
		return fmt.Sprintf("%dd%s", days, trim(rest))
	case days > 0:
		return fmt.Sprintf("%dd", days)
	default:
		return trim(rest)
	}
}

// trim drops the zero units that time.Duration prints: "160h0m0s" is "160h".
func trim(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes String.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what Parse reads.
func (s *Span) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	*s = parsed
	return err
}
