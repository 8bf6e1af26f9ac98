package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/query"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// manyOrders is more than any page and any step.
const manyOrders = 5_000

// copyOrder stores copies of an order, which have its authorizations.
func copyOrder(t *testing.T, db *DB, id string) {
	t.Helper()
	const copies = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) " +
		"INSERT INTO orders (" + query.OrderColumns + ") SELECT id || x, account, connector, profile, profile_name, identifiers, not_before, " +
		"not_after, created, expires, authorizations, begun, failure, certificate, ends, replaces, replaces_as, replacing FROM orders, n WHERE id = ?"
	err := execute(context.Background(), db, func(tx *tx) error {
		_, err := tx.exec(copies, manyOrders, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// written returns how many rows the writer has changed since the start.
func written(t *testing.T, db *DB) (rows int) {
	t.Helper()
	err := execute(context.Background(), db, func(tx *tx) error {
		return tx.conn.raw.QueryRowContext(context.Background(), "SELECT total_changes()").Scan(&rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// However many orders an account has open, its end is one row and one event.
func TestEndAccountIsBounded(t *testing.T) {
	db := openTest(t, Options{})
	w := storetest.NewWorld(t, db)
	account := w.NewAccount()
	ready := w.NewReadyOrder(account.ID, "example.com")
	copyOrder(t, db, ready.ID)
	before := written(t, db)
	e := w.Event(event.AccountDeactivated, account.ID)
	if _, err := db.EndAccount(context.Background(), account.ID, acme.Deactivated, e); err != nil {
		t.Fatal(err)
	}
	if rows := written(t, db) - before; rows != 2 {
		t.Errorf("the end of an account with %d ready orders wrote %d rows", manyOrders, rows)
	}
	o, _, err := db.Order(context.Background(), ready.ID+"7")
	if err != nil {
		t.Fatal(err)
	}
	if o.Failure == nil {
		t.Error("an order of the ended account has not failed")
	}
}

// counter counts what a read asks for.
type counter struct {
	query.Querier
	statements, orders int
}

func (c *counter) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	c.statements++
	if strings.Contains(text, "FROM orders") {
		c.orders += args[len(args)-1].(int)
	}
	return c.Querier.Query(ctx, text, args...)
}

// However many invalid orders an account has, a page of ids reads a few, and so many fewer as it finds valid ones.
func TestOrderIDsAreBounded(t *testing.T) {
	const limit = 10
	db := openTest(t, Options{})
	w := storetest.NewWorld(t, db)
	page := func(id string) *counter {
		c, err := snapshot(context.Background(), db, func(q query.Querier) (*counter, error) {
			c := &counter{Querier: q}
			_, next, err := query.OrderIDs(context.Background(), c, id, "", limit, storetest.Noon)
			if next == "" {
				t.Error("the page says that it is the last one")
			}
			return c, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	lost, valid := w.NewAccount(), w.NewAccount()
	o, created := w.NewOrder(lost.ID, "example.com")
	if _, err := db.EndAuthorization(context.Background(), created[0].ID, acme.Deactivated, storetest.Noon, w.Event(event.AuthorizationDeactivated, o.ID)); err != nil {
		t.Fatal(err)
	}
	copyOrder(t, db, o.ID)
	copyOrder(t, db, w.NewReadyOrder(valid.ID, "example.com").ID)
	if c := page(lost.ID); c.orders > 10*(limit+1) || c.statements > 10*(limit+1) {
		t.Errorf("a page behind %d invalid orders takes %d orders in %d statements", manyOrders, c.orders, c.statements)
	}
	if c := page(valid.ID); c.orders > limit+1 || c.statements > limit+1 {
		t.Errorf("a page of valid orders takes %d orders in %d statements", c.orders, c.statements)
	}
}

// A page goes on behind invalid orders until it is full.
func TestOrderIDsFillAPage(t *testing.T) {
	db := openTest(t, Options{})
	w := storetest.NewWorld(t, db)
	account := w.NewAccount()
	for i := range 40 {
		o, created := w.Order(account.ID, "example.com")
		if i%2 == 0 {
			o.Expires = storetest.Noon
		}
		if err := db.CreateOrder(context.Background(), o, created, w.Event(event.OrderCreated, o.ID)); err != nil {
			t.Fatal(err)
		}
	}
	ids, next, err := db.OrderIDs(context.Background(), account.ID, "", 15, storetest.Noon)
	if err != nil || len(ids) != 15 || next == "" {
		t.Errorf("a page of 15 has %d ids and goes on with %q, %v", len(ids), next, err)
	}
}

// A key is looked for only while a certificate of it is in use.
func TestBlockedKeysClose(t *testing.T) {
	db := openTest(t, Options{})
	w := storetest.NewWorld(t, db)
	open := func() (n int) {
		if err := db.reading.QueryRow("SELECT count(*) FROM blocked_keys WHERE open > 0").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	revoke := func(id string, block bool) {
		_, err := db.Revoke(context.Background(), id, storetest.Noon, pki.KeyCompromise, block, w.Event(event.CertificateRevoked, id))
		if err != nil {
			t.Fatal(err)
		}
	}
	account := w.NewAccount()
	revoke(w.Issue(account.ID, "example.com").ID, true)
	if n := open(); n != 0 {
		t.Errorf("%d keys are looked for, and none has a certificate in use", n)
	}
	w.Populate() // one more certificate has a blocked key
	if n := open(); n != 1 {
		t.Errorf("%d keys are looked for; want 1", n)
	}
	found, err := db.Compromised(context.Background(), storetest.Noon, 10)
	if err != nil || len(found) != 1 {
		t.Fatalf("found are %v, %v", found, err)
	}
	revoke(found[0].ID, false)
	if n := open(); n != 0 {
		t.Errorf("%d keys are looked for after the last revocation", n)
	}
}
