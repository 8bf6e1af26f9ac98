package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/door/admin"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// stubborn is a server whose settings cannot be reloaded.
type stubborn struct{ admin.Care }

const refusal = "everleaf.yaml:1: log-level: loud is no level"

func (stubborn) Reload(context.Context) (adminapi.Reloaded, error) {
	return adminapi.Reloaded{}, errors.New(refusal)
}

// The operator is told why, and the line of the request has it once.
func TestARefusedReloadIsLoggedOnce(t *testing.T) {
	h := newHouse(t)
	h.door = admin.New(h.service, admin.Options{
		Actor: func(*http.Request) string { return "alice" }, Care: stubborn{},
		Web: web.Options{Log: slog.New(slog.NewJSONHandler(h.log, nil))},
	})
	got := h.send(t, http.MethodPost, "/v1/operation/reload", "")
	if got.status != http.StatusConflict || !strings.Contains(got.body, refusal) {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if n := strings.Count(h.log.String(), refusal); n != 1 {
		t.Errorf("the log has the sentence %d times: %s", n, h.log)
	}
}
