package acme_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// through puts a service of the test behind the door.
func (h *house) through(t *testing.T, s door.Service) {
	t.Helper()
	var err error
	h.door, err = door.New(s, door.Options{
		Web: web.Options{Log: slog.New(slog.DiscardHandler)}, Nonces: h.nonces, OwnName: func(string) bool { return true },
	})
	check(t, err)
}

// between is the real use cases, and something that happens between the admission of a request and what it does.
type between struct {
	door.Service
	happens func(issue.Requester)
}

func (b *between) Admit(ctx context.Context, c policy.Connector, a acme.Account) (issue.Requester, error) {
	r, err := b.Service.Admit(ctx, c, a)
	if happens := b.happens; err == nil && happens != nil {
		b.happens = nil
		happens(r)
	}
	return r, err
}

// TestAccountsThatEndMeanwhile has A-12 for requests that were admitted a moment before the end: 401, as after it.
// Proves, INC-100.
func TestAccountsThatEndMeanwhile(t *testing.T) {
	h := newHouse(t, quick)
	b := &between{Service: h.service}
	h.through(t, b)
	ends := map[string]func(issue.Requester){
		"deactivated": func(r issue.Requester) {
			_, err := h.service.DeactivateAccount(context.Background(), r)
			check(t, err)
		},
		"revoked": func(r issue.Requester) {
			_, err := h.manage.RevokeAccount(context.Background(), "test", r.Account.ID)
			check(t, err)
		},
	}
	for how, end := range ends {
		for what, ask := range map[string]func(c *client) answer{
			"newOrder": func(c *client) answer { return c.to("new-order", orderOf("b.example.com")) },
			"newAuthz": func(c *client) answer {
				return c.to("new-authz", `{"identifier":{"type":"dns","value":"b.example.com"}}`)
			},
			"contacts":  func(c *client) answer { return c.post(c.kid, `{"contact":["mailto:a@example.com"]}`) },
			"keyChange": func(c *client) answer { return c.to("key-change", c.change(newKey(t))) },
		} {
			t.Run(what+" of an account that is "+how, func(t *testing.T) {
				c := h.account(t)
				b.happens = end
				ask(c).refused(t, http.StatusUnauthorized, "unauthorized")
			})
		}
		t.Run("finalize of an account that is "+how, func(t *testing.T) {
			c := h.account(t)
			_, o := c.ready("a.example.com")
			b.happens = end
			c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com")).refused(t, http.StatusUnauthorized, "unauthorized")
		})
	}
	t.Run("what is forbidden to a valid account stays 403", func(t *testing.T) {
		c := h.account(t)
		c.post(h.account(t).kid, "").refused(t, http.StatusForbidden, "unauthorized")
	})
}

// refusing is the real use cases, but for challenges: their errors are as the test says.
type refusing struct {
	door.Service
	err error
}

func (f refusing) Respond(context.Context, issue.Requester, string, acme.Method) (issue.AuthorizationView, error) {
	return issue.AuthorizationView{}, f.err
}

func TestRetryAfter(t *testing.T) {
	h := newHouse(t, quick)
	limited := fault.New(fault.RateLimited, "Too many.")
	limited.RetryAfter = 4200 * time.Millisecond
	busy := fault.New(fault.Unavailable, "Busy.")
	busy.RetryAfter = 5 * time.Second
	for _, tt := range []struct {
		name   string
		err    error
		status int
		kind   string
		want   string
	}{
		{"R-01 R-02 too many", limited, http.StatusTooManyRequests, "rateLimited", "5"},
		{"busy", busy, http.StatusServiceUnavailable, "serverInternal", "5"},
		{"busy, no word when", fault.New(fault.Unavailable, "Busy."), http.StatusServiceUnavailable, "serverInternal", "10"},
		{"no use to try again", fault.New(fault.Unauthorized, "No."), http.StatusForbidden, "unauthorized", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.through(t, refusing{h.service, tt.err})
			a := h.account(t).to("challenge/x/http-01", "{}")
			a.refused(t, tt.status, tt.kind)
			if got := a.header.Get("Retry-After"); got != tt.want {
				t.Errorf("Retry-After %q, want %q", got, tt.want)
			}
		})
	}
}
