package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
)

// addLimits adds the flag that declares the limits of a connector.
func addLimits(flags *pflag.FlagSet, r *adminapi.RulesChange) {
	flags.Func("limit", "`limit` of one kind, like orders-per-account=300/3h, failures-in-a-row=100 or orders-per-domain=none; repeat it for others", func(text string) error {
		kind, rate, err := limitFlag(text)
		if err != nil {
			return err
		}
		if r.Limits == nil {
			r.Limits = &adminapi.LimitsChange{Rates: &map[limit.Kind]limit.Rate{}}
		}
		(*r.Limits.Rates)[kind] = rate
		return nil
	})
}

// limitFlag reads KIND=RATE.
func limitFlag(text string) (limit.Kind, limit.Rate, error) {
	kind, rate, found := strings.Cut(text, "=")
	if !found {
		return "", limit.Rate{}, fmt.Errorf("%q has no rate; write it like %s=300/3h, or =%s", text, limit.OrdersPerAccount, limit.None)
	}
	known, err := oneOf(limit.Kinds()...)(kind)
	if err != nil {
		return "", limit.Rate{}, err
	}
	parsed, err := limit.ParseRate(rate)
	return known, parsed, err
}

// limitLines shows the limits in force and what is different for some.
func limitLines(l limit.Limits) []string {
	var lines []string
	for _, kind := range limit.Kinds() {
		if rate := l.Rate(kind); !rate.IsNone() {
			lines = append(lines, fmt.Sprintf("%s %s", kind, rate))
		}
	}
	for _, o := range l.Overrides {
		lines = append(lines, overrideLine(o))
	}
	if len(lines) == 0 {
		return []string{limit.None}
	}
	return lines
}

func overrideLine(o limit.Override) string {
	line := fmt.Sprintf("%s %s for %s", o.Kind, o.Rate, o.For)
	if !o.Until.IsZero() {
		line += " until " + o.Until.UTC().Format("2006-01-02 15:04")
	}
	return line
}
