package acme

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// cachedPart is how much longer than Retry-After a cache may make a client wait for a changed window: a sixth.
const cachedPart = 6

// renewalInfo tells anyone when a certificate should be renewed (RFC 9773 section 4). Unlike every other reply of the door
// this one may be kept by caches, so it carries no nonce.
func (d *door) renewalInfo(ctx context.Context, r *request) (web.Reply, error) {
	advice, err := d.service.Renewal(ctx, r.connector, r.record.Client, r.vars[0])
	if err != nil {
		return web.Reply{}, err
	}
	window := wire.RenewalWindow{Start: wire.Time(advice.Start), End: wire.Time(advice.End)}
	return object(http.StatusOK, wire.RenewalInfo{SuggestedWindow: window, ExplanationURL: advice.Explanation},
		retryAfter(advice.RetryAfter), cached(advice.RetryAfter/cachedPart))
}

// cached lets whoever keeps replies keep this one.
func cached(age time.Duration) addition {
	return func(h http.Header) { h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(age.Seconds()))) }
}
