// Package bench measures the whole server as its clients see it: the real binary, over HTTPS, durable, with http-01
// really fetched, and the load on the same machine.
package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/test/process"
)

const (
	rounds   = 5
	workers  = 32
	warmUp   = time.Second     // of each round, not counted
	measured = 5 * time.Second // of each round
)

// BenchmarkGrowth compares servers that begin with no, 50,000 and 100,000 certificates, all of the account that asks for
// more. They take turns in rounds, so that what else the machine does hits all alike; each ratio is the median of
// those within one round. The stores are filled below the server, in the steps in which it would, so that the whole takes
// four minutes and not twenty.
func BenchmarkGrowth(b *testing.B) {
	binary := process.Build(b)
	var installations []*installation
	for _, size := range []int{0, 50_000, 100_000} {
		installations = append(installations, newInstallation(b, binary, size))
	}
	first := installations[0]
	for range rounds {
		for _, i := range installations {
			i.load(b)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "medians of %d rounds, %d workers\n%12s %12s %8s %8s %8s\n", rounds, workers, "certificates", "issuances/s", "ratio", "p99 ms", "ratio")
	for _, i := range installations {
		rate, tail := ratio(i.rates, first.rates), ratio(i.tails, first.tails)
		fmt.Fprintf(&table, "%12d %12.0f %8.2f %8.0f %8.2f\n", i.size, median(i.rates), rate, 1000*median(i.tails), tail)
		b.ReportMetric(median(i.rates), fmt.Sprintf("issuances/s-at-%d", i.size))
		b.ReportMetric(rate, fmt.Sprintf("rate-ratio-at-%d", i.size))
		b.ReportMetric(tail, fmt.Sprintf("p99-ratio-at-%d", i.size))
	}
	b.ReportMetric(0, "ns/op") // of the whole drill: nothing to compare
	b.Log(table.String())
}

// ratio is the median of what each round gives.
func ratio(of, to []float64) float64 {
	var ratios []float64
	for round := range of {
		ratios = append(ratios, of[round]/to[round])
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
