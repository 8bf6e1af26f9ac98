// Package storetest is the conformance suite of the store: every promise of package store as a test that any engine
// passes. A new engine costs a function that opens an empty store.
package storetest

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/store"
)

// Open opens an empty store. The suite closes it, perhaps twice.
type Open func(t *testing.T) store.Store

// Run runs the whole suite. Sub-tests run in parallel, each on a store of its own.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	areas := map[string]func(*testing.T, Open){
		"accounts":         testAccounts,
		"key change":       testKeyChange,
		"orders":           testOrders,
		"orphans":          testOrphans,
		"authorizations":   testAuthorizations,
		"challenges":       testChallenges,
		"issuance":         testIssuance,
		"limits":           testLimits,
		"abandoned":        testAbandoned,
		"checks":           testChecks,
		"search":           testSearch,
		"revocation":       testRevocation,
		"compromised keys": testCompromised,
		"revocation lists": testCRLs,
		"renewals":         testRenewals,
		"declarations":     testDeclarations,
		"live credentials": testLiveCredentials,
		"demands":          testDemands,
		"log":              testLog,
		"trim":             testTrim,
		"maintenance":      testMaintenance,
	}
	for name, area := range areas {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			area(t, open)
		})
	}
}

// each runs cases in parallel, each in a world of its own.
func each(t *testing.T, open Open, cases map[string]func(*testing.T, *World)) {
	t.Helper()
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, NewWorld(t, open(t)))
		})
	}
}

// together calls fn from n goroutines at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// count returns how many errors are of a kind; nil counts as "".
func count(errs []error, kind fault.Kind) (n int) {
	for _, err := range errs {
		if err != nil && fault.KindOf(err) == kind {
			n++
		}
	}
	return n
}

// succeeded returns how many errors are nil.
func succeeded(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("error is %v; want the kind %q", err, kind)
	}
}

// same compares whole values, times down to their location.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	exactTime := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() })
	wholly := cmpopts.EquateComparable(ident.Identifier{}, netip.Prefix{})
	if diff := cmp.Diff(want, got, exactTime, wholly, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s differs (-want +got):\n%s", what, diff)
	}
}

// background is the context of calls that nobody cancels.
func background() context.Context { return context.Background() }
