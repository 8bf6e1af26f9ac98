package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// Conflict says that another ended the intent. What contradicts an intent that is there is a failure, which somebody has
// to see.
func TestAContradictionIsNoConflict(t *testing.T) {
	for about, damage := range map[string]string{
		"an order that failed":      "UPDATE orders SET failure = '{}'",
		"a certificate that exists": "UPDATE intents SET serial = (SELECT min(serial) FROM certificates)",
	} {
		t.Run(about, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "everleaf.db")
			db, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := storetest.NewWorld(t, db)
			account := w.NewAccount().ID
			w.Issue(account, "other.example.com")
			intent, der := w.Intent(w.NewReadyOrder(account, "example.com"))
			w.Begin(intent)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			scribble(t, path, damage)
			if db, err = Open(context.Background(), path, Options{}); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.CompleteIssuance(context.Background(), intent.ID, der, storetest.Noon, w.Event(event.CertificateIssued, intent.ID))
			if err == nil || fault.KindOf(err) != fault.Internal {
				t.Errorf("to complete it: %v", err)
			}
			if about != "an order that failed" {
				return
			}
			err = db.AbandonIssuance(context.Background(), intent.ID, acme.Failure{}, w.Event(event.OrderFailed, intent.Order))
			if err == nil || fault.KindOf(err) != fault.Internal {
				t.Errorf("to abandon it: %v", err)
			}
		})
	}
}
