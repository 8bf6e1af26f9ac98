package render

import (
	"fmt"
	"time"
)

// When shows a time and how far it is from now: "2026-02-21T11:59:59Z (in 89 days)"; "" for the zero time.
func When(t, now time.Time) string { return withDistance(Time(t), t, now) }

// Day is [When] for a column: without the time of day, "2026-02-21 (in 89 days)".
func Day(t, now time.Time) string { return withDistance(t.UTC().Format(time.DateOnly), t, now) }

func withDistance(text string, t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", text, Distance(t.Sub(now)))
}

// Time shows a time as RFC 3339 writes it, in UTC and whole seconds, as the flags take it and JSON has it; "" for the zero time.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
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
