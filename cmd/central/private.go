package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mostrador/central"
)

// private is what only the operator's machines may ask: how the server does, and what it is busy with.
type private struct {
	db       *central.DB
	log      *slog.Logger
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	// leaving: the server is ending, and wants no more requests.
	leaving atomic.Bool
}

func newPrivate(db *central.DB, log *slog.Logger) *private {
	p := &private{
		db: db, log: log, registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "central_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "central_http_request_seconds", Help: "From a request's head to the end of its answer, by route.",
			Buckets: prometheus.ExponentialBucketsRange(.002, 25, 14),
		}, []string{"route"}),
	}
	p.registry.MustRegister(p.requests, p.took, gauges{db}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return p
}

// observe counts a request. What no route took is counted as one, so that nobody can make a series of every path they guess.
func (p *private) observe(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	p.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	p.took.WithLabelValues(route).Observe(took.Seconds())
}

// handler is all of it. pprof is here and nowhere else.
func (p *private) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second}))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /ready", p.ready)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// ready says whether to send requests here: the database answers, its tables are this program's, and the server is not on its
// way out.
func (p *private) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	err := p.db.Ready(ctx)
	switch {
	case p.leaving.Load():
		http.Error(w, "terminando", http.StatusServiceUnavailable)
	case err != nil:
		p.log.WarnContext(ctx, "no está listo", "error", err)
		http.Error(w, "la base de datos no está lista", http.StatusServiceUnavailable)
	default:
		_, _ = fmt.Fprintln(w, "ok")
	}
}

// listen serves it until the returned function is called.
func (p *private) listen(addr string) (stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("la dirección privada: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		p.log.Warn("la dirección privada no es solo de esta máquina: ciérrela al público", "dirección", listener.Addr().String())
	}
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = server.Serve(listener) }() // it ends when it is closed
	p.log.Info("atiende en privado", "dirección", listener.Addr().String())
	return func() { _ = server.Close() }, nil
}

// gauges are read when somebody asks.
type gauges struct{ db *central.DB }

var (
	connections = prometheus.NewDesc("central_db_connections", "Connections to PostgreSQL.", []string{"state"}, nil)
	waits       = prometheus.NewDesc("central_db_waits_total", "Times that a request waited for a connection.", nil, nil)
	waited      = prometheus.NewDesc("central_db_wait_seconds_total", "Time that requests waited for connections.", nil, nil)
	jobs        = prometheus.NewDesc("central_jobs", "Background jobs that are not done, by state.", []string{"state"}, nil)
	behind      = prometheus.NewDesc("central_companies_behind", "Companies whose tables are older than this program.", nil, nil)
	up          = prometheus.NewDesc("central_db_up", "Whether PostgreSQL answers.", nil, nil)
)

// Describe implements prometheus.Collector.
func (g gauges) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(g, to) }

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	put := func(kind prometheus.ValueType, d *prometheus.Desc, n int64, labels ...string) {
		// The library counts in floating point, and we have none: a count of seconds is the same number.
		to <- prometheus.MustNewConstMetric(d, kind, (time.Duration(n) * time.Second).Seconds(), labels...)
	}
	gauge := func(d *prometheus.Desc, n int64, labels ...string) { put(prometheus.GaugeValue, d, n, labels...) }
	load := g.db.Load()
	gauge(connections, int64(load.Busy), "busy")
	gauge(connections, int64(load.Idle), "idle")
	gauge(connections, int64(load.Max), "max")
	put(prometheus.CounterValue, waits, load.Waits)
	to <- prometheus.MustNewConstMetric(waited, prometheus.CounterValue, load.Waited.Seconds())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	backlog, err := g.db.Backlog(ctx)
	if err != nil {
		gauge(up, 0)
		return
	}
	gauge(up, 1)
	gauge(behind, backlog.CompaniesBehind)
	for state, n := range backlog.Jobs {
		gauge(jobs, n, state)
	}
}
