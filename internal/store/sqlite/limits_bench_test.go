package sqlite_test

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// What limits add to a new order: without any, with those that hold from the start, and with every kind.
//
//	go test ./internal/store/sqlite -run '^$' -bench Limits
func BenchmarkLimits(b *testing.B) {
	every := limit.Limits{Rates: map[limit.Kind]limit.Rate{}}
	for _, kind := range limit.Kinds() {
		every.Rates[kind] = limit.Rate{Count: limit.MaxCount, Period: span.Day}
	}
	none := limit.Limits{Rates: map[limit.Kind]limit.Rate{limit.FailedValidations: {}, limit.FailuresInARow: {}}}
	for _, c := range []struct {
		name   string
		limits limit.Limits
	}{{"none", none}, {"usual", limit.Limits{}}, {"every", every}} {
		b.Run(c.name, func(b *testing.B) {
			db := open(b, sqlite.Options{})
			w := storetest.NewWorld(b, db)
			account := w.NewAccount()
			b.SetParallelism(32) // so that it is work that is measured, and not the disk
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					o, created := w.Order(account.ID, "host-"+w.ID()[6:]+".example.com")
					charges := c.limits.Order(limit.Order{
						Account: account.ID, Credential: "kid", Identifiers: o.Identifiers, Open: []ident.Identifier{created[0].Identifier},
					}, o.Created)
					must(b, db.CreateOrder(b.Context(), o, created, w.Event(event.OrderCreated, o.ID), charges...))
				}
			})
		})
	}
}
