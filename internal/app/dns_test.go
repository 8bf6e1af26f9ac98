package app

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/everleaf-pki/everleaf/test/dnssectest"
)

// Proves BR-15. A server that must have DNSSEC validated is ready when its resolver shows that it does, and only then.
func TestReadyWithAValidatingResolver(t *testing.T) {
	world := dnssectest.New(t)
	for _, validates := range []bool{true, false} {
		c := settings(t, filepath.Join(t.TempDir(), "data"))
		c.Resolvers, c.SignedZone = []string{world.Resolver(t, validates)}, "."
		a, err := Open(t.Context(), c, slog.New(slog.DiscardHandler), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range (&health{checks: a.standingChecks()}).look(t.Context()).Checks {
			if f.Name == "dns" {
				found = true
				if f.OK != validates {
					t.Errorf("validates %t: %+v", validates, f)
				}
			}
		}
		if !found {
			t.Error("there is no check of the resolver")
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}
