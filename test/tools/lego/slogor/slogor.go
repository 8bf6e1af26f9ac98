// Package slogor stands in for the module of the same path, a coloured handler for log/slog that lego's command line
// prints with and that not every module proxy serves. It has what lego calls, no more, and prints without colours.
package slogor

import (
	"io"
	"log/slog"
	"time"
)

// OptionFn sets one thing of a handler.
type OptionFn func(*options)

type options struct {
	level      slog.Leveler
	timeFormat string
}

// SetLevel drops records below level.
func SetLevel(level slog.Leveler) OptionFn {
	return func(o *options) { o.level = level }
}

// SetTimeFormat prints times in the given layout of package time.
func SetTimeFormat(layout string) OptionFn {
	return func(o *options) { o.timeFormat = layout }
}

// DisableColor is how this handler always prints.
func DisableColor() OptionFn {
	return func(*options) {}
}

// NewHandler returns a handler that writes one line of key=value pairs a record.
func NewHandler(w io.Writer, set ...OptionFn) slog.Handler {
	o := options{level: slog.LevelInfo, timeFormat: time.RFC3339Nano}
	for _, f := range set {
		f(&o)
	}
	return slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: o.level,
		ReplaceAttr: func(groups []string, attr slog.Attr) slog.Attr {
			if len(groups) == 0 && attr.Key == slog.TimeKey {
				return slog.String(slog.TimeKey, attr.Value.Time().Format(o.timeFormat))
			}
			return attr
		},
	})
}
