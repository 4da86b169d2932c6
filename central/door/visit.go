package door

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"

	"github.com/google/uuid"

	"mostrador/central"
)

// Visit is what is known of a request while it is served: for its line in the log, and for every other line that it causes.
type Visit struct {
	// Route is the pattern that took it.
	Route   string
	id      string
	address netip.Addr
	// Who asked; none if zero.
	company, account, till int64
}

type visitKey struct{}

// Of is the visit of the request that this work is done for; an empty one outside of requests.
func Of(ctx context.Context) *Visit {
	if v, ok := ctx.Value(visitKey{}).(*Visit); ok {
		return v
	}
	return &Visit{}
}

// usableID is what a client may call its request: anything else would be a way to write into our log.
var usableID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// visited gives the request its name, the client's own if it is usable, and tells it in the answer.
func visited(w http.ResponseWriter, r *http.Request) (*Visit, *http.Request) {
	v := &Visit{id: r.Header.Get("X-Request-ID")}
	if !usableID.MatchString(v.id) {
		v.id = uuid.NewString()
	}
	w.Header().Set("X-Request-ID", v.id)
	return v, r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
}

// Caller notes who asks.
func (v *Visit) Caller(c *central.Call) {
	v.company, v.account, v.till = c.Tenant.ID, c.Account.ID, c.Till.ID
}

// named puts the request's name on every line.
type named struct{ slog.Handler }

// Handle implements slog.Handler.
func (n named) Handle(ctx context.Context, line slog.Record) error {
	if id := Of(ctx).id; id != "" {
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
