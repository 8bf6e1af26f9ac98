package app

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics is what the process counts. Each App has its own registry.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	jobs     *prometheus.HistogramVec
	failures *prometheus.CounterVec
	groups   prometheus.Histogram
	commits  prometheus.Histogram
}

// buckets are the upper bounds of latency histograms, in seconds.
func buckets() []float64 {
	return []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "everleaf_request_duration_seconds", Help: "Time to answer a request, by route and status.", Buckets: buckets(),
		}, []string{"route", "status"}),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "everleaf_job_duration_seconds", Help: "Time that a run of a background job took.", Buckets: buckets(),
		}, []string{"name"}), // "job" is Prometheus's own
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "everleaf_job_failures_total", Help: "Runs of a background job that ended in an error.",
		}, []string{"name"}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "everleaf_store_group_writes", Help: "Writes that shared one durable commit.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128},
		}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "everleaf_store_commit_duration_seconds", Help: "Time of one durable commit of a group of writes.", Buckets: buckets(),
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.jobs, m.failures, m.groups, m.commits,
	)
	return m
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) job(name string, took time.Duration, err error) {
	m.jobs.WithLabelValues(name).Observe(took.Seconds())
	if err != nil {
		m.failures.WithLabelValues(name).Inc()
	}
}

func (m *metrics) commit(group int, took time.Duration) {
	m.groups.Observe(float64(group))
	m.commits.Observe(took.Seconds())
}
