package issue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

func TestCheckClock(t *testing.T) {
	t.Parallel()
	newest := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for about, c := range map[string]struct {
		now  time.Time
		kind fault.Kind
	}{
		"after":               {newest.Add(time.Second), ""},
		"a step of the clock": {newest.Add(-5 * time.Second), ""},
		"too far before":      {newest.Add(-5*time.Second - 1), fault.Unavailable},
	} {
		if err := issue.CheckClock(c.now, newest); (err != nil) != (c.kind != "") || fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", about, err)
		}
	}
	if err := issue.CheckClock(newest, time.Time{}); err != nil {
		t.Error("without an event:", err)
	}
	err := issue.CheckClock(newest.Add(-time.Hour), newest)
	if !strings.Contains(fault.Sentence(err), "everleaf clock accept") || strings.Contains(fault.Sentence(err), "2026") {
		t.Errorf("the sentence names no way out, or tells times to everybody: %s", fault.Sentence(err))
	}
	if !strings.Contains(err.Error(), "at 2026-11-23T11:00:00Z, the newest event at 2026-11-23T12:00:00Z") {
		t.Error("the operator does not learn the times:", err)
	}
}

// Proves INC-2.
func TestIssuanceStopsWhileTheClockIsWrong(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	issued := h.issued(r, newKey(t), "b.example.com")
	order := h.ready(r, dns("a.example.com"))
	h.Clock.Advance(-time.Hour)
	check(t, h.byAccount(r, issued.Certificate.DER))
	_, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	wantKind(t, err, fault.Unavailable)
	h.Clock.Advance(time.Hour)
	_, err = h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	check(t, err)
}
