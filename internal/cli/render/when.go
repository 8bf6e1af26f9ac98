package render

import (
	"fmt"
	"time"
)

// When shows a time in UTC and how far it is from now: "2026-02-21 11:59:59 UTC (in 89 days)"; "" for the zero time.
func When(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", t.UTC().Format("2006-01-02 15:04:05 UTC"), Distance(t.Sub(now)))
}

// Distance says how far off a moment is, in the one unit that a person would use, rounded down: "in 89 days", "3 hours ago".
func Distance(d time.Duration) string {
	length := d.Abs()
	unit, name := time.Second, "second"
	for _, u := range []struct {
		from, unit time.Duration
		name       string
	}{
		{2 * time.Minute, time.Minute, "minute"},
		{2 * time.Hour, time.Hour, "hour"},
		{2 * day, day, "day"},
		{2 * year, year, "year"},
	} {
		if length >= u.from {
			unit, name = u.unit, u.name
		}
	}
	count := int64(length / unit)
	switch {
	case count == 0:
		return "now"
	case count > 1:
		name += "s"
	}
	if d < 0 {
		return fmt.Sprintf("%d %s ago", count, name)
	}
	return fmt.Sprintf("in %d %s", count, name)
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)
