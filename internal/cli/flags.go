package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// optional returns a flag's setter that keeps apart what was not given (nil) from what was.
func optional[T any](to **T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		value, err := parse(text)
		if err == nil {
			*to = &value
		}
		return err
	}
}

// optionalList does the same for a list, written with commas or by repeating the flag; "" empties it.
func optionalList[T any](to **[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		list := []T{}
		if *to != nil {
			list = **to
		}
		for word := range strings.SplitSeq(text, ",") {
			word = strings.TrimSpace(word)
			if word == "" {
				continue
			}
			value, err := parse(word)
			if err != nil {
				return err
			}
			list = append(list, value)
		}
		*to = &list
		return nil
	}
}

func plain(text string) (string, error) { return text, nil }

// oneOf reads one of the known words.
func oneOf[T ~string](known ...T) func(string) (T, error) {
	return func(text string) (T, error) {
		if !slices.Contains(known, T(text)) {
			return "", fmt.Errorf("%q is none of %s", text, joined(known))
		}
		return T(text), nil
	}
}

func joined[T ~string](words []T) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(words)), ", "), "[]")
}

func yesNo(text string) (bool, error) {
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", text)
	}
	return value, nil
}

func number(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number from 0 on", text)
	}
	return n, nil
}

// network reads a network or a single address.
func network(text string) (netip.Prefix, error) {
	if alone, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(alone, alone.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, fmt.Errorf("%q is not a network; write it like 10.0.0.0/8 or 10.1.2.3", text)
	}
	return prefix, nil
}

// intFlag adds a flag for a number from 0 on.
func intFlag(flags *pflag.FlagSet, to *int, name, usage string) {
	flags.Func(name, usage, func(text string) (err error) {
		*to, err = number(text)
		return err
	})
}

// errMoment says how a moment is written.
var errMoment = errors.New("write it like 2026-11-23T12:00:00Z or 2026-11-23 in UTC, or as a time from now like 30d")

// momentFlag adds a flag for a moment, absolute or counted from now.
func (c *command) momentFlag(flags *pflag.FlagSet, to *time.Time, name, usage string) {
	flags.Func(name, usage, func(text string) (err error) {
		*to, err = moment(text, c.now())
		return err
	})
}

func moment(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	distance, err := span.Parse(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time; %w", text, errMoment)
	}
	return now.Add(distance.Duration()).UTC().Truncate(time.Second), nil
}
