package app

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// care looks after the installation for the operator's door, in a server or in a command that opened it by itself.
type care struct {
	app    *App
	health *health                                          // nil: no server runs
	reload func(context.Context) (adminapi.Reloaded, error) // nil: no server runs
}

// stuckAfter is how old an intent may be before a check reports it.
const stuckAfter = 10 * time.Minute

func (c care) Backup(ctx context.Context, path string) error { return c.app.db.Backup(ctx, path) }

// Check verifies the whole store. Intents that did not end are a finding where a server should have ended them; without
// one, as after a restore, the next start does.
func (c care) Check(ctx context.Context) ([]string, error) {
	if c.health == nil {
		return c.app.db.Check(ctx, time.Time{})
	}
	return c.app.db.Check(ctx, time.Now().Add(-stuckAfter))
}

func (c care) Reload(ctx context.Context) (adminapi.Reloaded, error) {
	if c.reload == nil {
		return adminapi.Reloaded{}, fault.New(fault.NotFound, "No server runs on this data folder; it reads its settings when it starts.")
	}
	return c.reload(ctx)
}

// Readiness runs the checks of the server, or without one those that need none; without a server nothing is ready.
func (c care) Readiness(ctx context.Context) adminapi.Readiness {
	h := c.health
	if h == nil {
		h = &health{checks: c.app.standingChecks(), log: c.app.log}
	}
	looked := h.look(ctx)
	out := adminapi.Readiness{Ready: c.health != nil && looked.Status != statusNotReady, Serving: c.health != nil, Checks: []adminapi.ReadinessCheck{}}
	for _, f := range looked.Checks {
		out.Checks = append(out.Checks, adminapi.ReadinessCheck(f))
	}
	return out
}
