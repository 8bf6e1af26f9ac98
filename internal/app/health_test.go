package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func TestHealthAndMetrics(t *testing.T) {
	r := start(t, settings(t, t.TempDir()))
	base := strings.TrimSuffix(r.info.Metrics, "/metrics")
	if response, body := r.get(t, base+"/livez"); response.StatusCode != http.StatusOK || body != "alive\n" {
		t.Errorf("%s %q", response.Status, body)
	}
	response, body := r.get(t, base+"/readyz")
	var got report
	if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %q %v", response.Status, body, err)
	}
	var names []string
	for _, c := range got.Checks {
		names = append(names, c.Name)
	}
	if want := []string{"store", "clock", "issuers", "revocation-lists", "perspectives", "public-profiles", "ocsp", "server-certificate"}; !slices.Equal(names, want) {
		t.Errorf("checks %v", names)
	}
	r.get(t, r.info.Directory)
	if _, body := r.get(t, r.info.Metrics); !strings.Contains(body, `everleaf_request_duration_seconds_count{route="acme/directory",status="200"} 1`) {
		t.Error("the metrics do not count the request")
	} else if end := regexp.MustCompile(`(?m)^everleaf_revocation_list_end_timestamp_seconds (\S+)$`).FindStringSubmatch(body); end == nil || !strings.HasPrefix(end[1], "1.") {
		t.Errorf("the metrics do not tell when the first list ends: %q", end)
	}
}

// Proves BR-20, INC-2.
func TestReadinessNamesWhatIsWrong(t *testing.T) {
	h := &health{log: slog.New(slog.DiscardHandler), checks: []check{
		{name: "good", run: func(context.Context) error { return nil }},
		{name: "bad", run: func(context.Context) error { return errors.New("the disk is full") }},
		{name: "slow", run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := h.look(ctx)
	if got.Status != "not ready" || !got.Checks[0].OK || got.Checks[1].Problem != "the disk is full" || got.Checks[2].OK {
		t.Errorf("%+v", got)
	}
	if told := got.withoutProblems(); told.Checks[1] != (finding{Name: "bad"}) {
		t.Errorf("a stranger is told %+v", told.Checks[1])
	}
	h = &health{}
	h.draining.Store(true)
	if h.look(t.Context()).Status != "not ready" {
		t.Error("a draining server says that it is ready")
	}
}

// A balancer must not turn away from every node at once when validators do.
// Proves INC-2.
func TestSomeChecksOnlyDegrade(t *testing.T) {
	fails := func(context.Context) error { return errors.New("no") }
	warning, failure := check{name: "warning", run: fails, degrades: true}, check{name: "failure", run: fails}
	for _, tt := range []struct {
		checks []check
		status string
		code   int
	}{
		{[]check{warning}, "degraded", http.StatusOK},
		{[]check{warning, failure}, "not ready", http.StatusServiceUnavailable},
		{[]check{failure, warning}, "not ready", http.StatusServiceUnavailable},
	} {
		h := &health{log: slog.New(slog.DiscardHandler), checks: tt.checks}
		reply := httptest.NewRecorder()
		got := h.look(t.Context())
		h.tell(reply, got)
		if got.Status != tt.status || got.Checks[0].OK || reply.Code != tt.code {
			t.Errorf("%+v %d, want %s %d", got, reply.Code, tt.status, tt.code)
		}
	}
	var only []string
	for _, c := range opened(t).standingChecks() {
		if c.degrades {
			only = append(only, c.name)
		}
	}
	if want := []string{"perspectives", "public-profiles"}; !slices.Equal(only, want) {
		t.Errorf("%v degrade", only)
	}
}

func TestReadinessSpeaksInSentences(t *testing.T) {
	missing := errors.New("open keys/default-1.key: no such file or directory")
	sealed := fault.Wrap(missing, fault.Unavailable, `The issuer "default" cannot sign at present.`)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{missing, "open keys/default-1.key: no such file or directory"},
		{fault.New(fault.Unavailable, "The clock is wrong."), "The clock is wrong."},
		{sealed, `The issuer "default" cannot sign at present. The cause: open keys/default-1.key: no such file or directory.`},
		{
			fmt.Errorf("profile short: %w", sealed),
			`profile short: The issuer "default" cannot sign at present. The cause: open keys/default-1.key: no such file or directory.`,
		},
		{
			fault.Wrap(fmt.Errorf("again: %w", sealed), fault.Conflict, "No."),
			`No. The cause: again: The issuer "default" cannot sign at present. The cause: open keys/default-1.key: no such file or directory.`,
		},
	} {
		h := &health{checks: []check{{name: "one", run: func(context.Context) error { return tt.err }}}}
		if got := h.look(t.Context()).Checks[0].Problem; got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}
}

func TestStrangersCannotMakeTheChecksRun(t *testing.T) {
	runs := 0
	h := &health{log: slog.New(slog.DiscardHandler), checks: []check{{name: "costly", run: func(context.Context) error { runs++; return nil }}}}
	for range 100 {
		h.recent(t.Context())
	}
	if runs > 2 {
		t.Errorf("100 questions made the checks run %d times", runs)
	}
}
