package torn

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/google/uuid"

	"mostrador/central"
)

// trace is what is known of a request while it is served: for its line in the log, and for every other line that it causes.
type trace struct {
	id string
	// route is the pattern that took it, company and account who asked; none if zero.
	route            string
	company, account int64
}

type traceKey struct{}

// traceOf is the trace of the request that this work is done for; an empty one outside of requests.
func traceOf(ctx context.Context) *trace {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		return t
	}
	return &trace{}
}

// usableID is what a client may call its request: anything else would be a way to write into our log.
var usableID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// traced gives the request its name, the client's own if it is usable, and tells it in the answer.
func traced(w http.ResponseWriter, r *http.Request) (*trace, *http.Request) {
	t := &trace{id: r.Header.Get("X-Request-ID")}
	if !usableID.MatchString(t.id) {
		t.id = uuid.NewString()
	}
	w.Header().Set("X-Request-ID", t.id)
	return t, r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
}

func (t *trace) caller(c *central.Call) { t.company, t.account = c.Tenant.ID, c.Account.ID }

// named puts the request's name on every line.
type named struct{ slog.Handler }

// Handle implements slog.Handler.
func (n named) Handle(ctx context.Context, line slog.Record) error {
	if id := traceOf(ctx).id; id != "" {
		line.AddAttrs(slog.String("request_id", id))
	}
	return n.Handler.Handle(ctx, line)
}

// WithAttrs implements slog.Handler.
func (n named) WithAttrs(attrs []slog.Attr) slog.Handler { return named{n.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (n named) WithGroup(name string) slog.Handler { return named{n.Handler.WithGroup(name)} }

// answerWriter remembers what was answered.
type answerWriter struct {
	http.ResponseWriter
	status int
	bytes  int
}

// WriteHeader implements http.ResponseWriter.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *answerWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController through.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
