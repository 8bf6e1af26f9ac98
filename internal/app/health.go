package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// checkLimit bounds one health check.
const checkLimit = 2 * time.Second

// check is one named condition of readiness. Its error is a sentence for the operator. What fails every node alike and stops
// only some orders degrades a node: no balancer must turn away from renewal information, OCSP and lists for it.
type check struct {
	name     string
	run      func(context.Context) error
	degrades bool
}

// health answers whether the process lives and whether it can do its work.
type health struct {
	checks   []check
	draining atomic.Bool
	log      *slog.Logger

	mu     sync.Mutex // guards the last report, and lets one look at a time
	last   report
	looked time.Time
}

// fresh is how long a report is given to others: however many ask, the checks run once in that time.
const fresh = time.Second

// finding is the result of one check, as JSON.
type finding struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Problem string `json:"problem,omitempty"`
}

// Statuses of a report.
const (
	statusReady    = "ready"
	statusDegraded = "degraded"
	statusNotReady = "not ready"
)

// report is the reply of /readyz.
type report struct {
	Status string    `json:"status"`
	Checks []finding `json:"checks"`
}

// register adds /livez, and /readyz with its named checks: 503 when one fails that does more than degrade the server, or it
// drains; else 200. Problems are told in full to the operator's listeners only.
func (h *health) register(mux *http.ServeMux, operator bool) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("alive\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		result := h.recent(r.Context())
		if !operator {
			result = result.withoutProblems()
		}
		h.tell(w, result)
	})
}

// recent returns a report of the last second.
func (h *health) recent(ctx context.Context) report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining.Load() || time.Since(h.looked) > fresh {
		h.last = h.look(context.WithoutCancel(ctx))
		h.looked = time.Now()
	}
	return h.last
}

// withoutProblems leaves the names and the verdicts, for strangers.
func (r report) withoutProblems() report {
	out := report{Status: r.Status}
	for _, f := range r.Checks {
		out.Checks = append(out.Checks, finding{Name: f.Name, OK: f.OK})
	}
	return out
}

func (h *health) tell(w http.ResponseWriter, result report) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if result.Status == statusNotReady {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(result); err != nil {
		h.log.Debug("a health report was not read", slog.Any("error", err))
	}
}

// look runs every check.
func (h *health) look(ctx context.Context) report {
	result := report{Status: statusReady}
	if h.draining.Load() {
		result = report{Status: statusNotReady, Checks: []finding{{Name: "running", Problem: "the server is stopping"}}}
	}
	for _, c := range h.checks {
		f := finding{Name: c.name, OK: true}
		if err := bounded(ctx, c.run); err != nil {
			f.OK, f.Problem = false, told(err)
			result.Status = c.leaves(result.Status)
		}
		result.Checks = append(result.Checks, f)
	}
	return result
}

// leaves returns the status of a server after the check failed.
func (c check) leaves(status string) string {
	if c.degrades && status != statusNotReady {
		return statusDegraded
	}
	return statusNotReady
}

func bounded(ctx context.Context, run func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	return run(ctx)
}

// told returns an error as an operator reads it: of a fault its sentence, and its cause as a second one.
func told(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err.Error()
	}
	text := f.Public
	if f.Cause != nil {
		text += " The cause: " + strings.TrimSuffix(told(f.Cause), ".") + "."
	}
	return strings.Replace(err.Error(), f.Error(), text, 1)
}
