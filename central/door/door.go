// Package door is what every HTTP API of the server has in front of it: central/torn for people and their programs,
// central/tills for tills.
//
// Owns: the name and the line in the log of each request, who is let in at once and how often, the headers of every answer,
// what an error becomes, and how patient the server is with slow clients.
//
// Promises: whatever goes wrong the answer is JSON, says in Spanish what happened, and leaves one line in the log with neither
// path nor query in it; what one address or one caller can take away from the others is bounded.
//
// A program has one Door, whatever APIs it serves: they share the database, and so the bounds.
package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"mostrador/central"
)

// Config is what a Door works with.
type Config struct {
	Log *slog.Logger
	Now func() time.Time
	// Timeout bounds a request once it is read (25 s).
	Timeout time.Duration
	Limits  Limits
	// Proxies may say in X-Forwarded-For whose requests they pass on.
	Proxies []netip.Prefix
	// Observe is told of every request: the route's pattern, empty if there is none, the status and how long it took.
	Observe func(route string, status int, took time.Duration)
}

// Door lets requests in. It may be used from any goroutine.
type Door struct {
	Config
	guard *guard
}

// New makes a door.
func New(c Config) *Door {
	d := &Door{Config: c, guard: newGuard(c.Limits)}
	d.Log = slog.New(named{c.Log.Handler()})
	if d.Observe == nil {
		d.Observe = func(string, int, time.Duration) {}
	}
	if d.Timeout == 0 {
		d.Timeout = 25 * time.Second
	}
	return d
}

// Serve has fn answer a request. Whatever becomes of it, the answer is JSON and leaves one line in the log.
func (d *Door) Serve(to http.ResponseWriter, r *http.Request, fn http.HandlerFunc) {
	begun := d.Now()
	v, r := visited(to, r)
	v.address = d.addressOf(r)
	w := &answerWriter{ResponseWriter: to}
	defer func() {
		took := d.Now().Sub(begun)
		d.Observe(v.Route, w.status, took)
		// Neither the path, which names people, nor the query, which may carry a link's signature.
		d.Log.InfoContext(r.Context(), "solicitud", "ruta", v.Route, "método", r.Method, "estado", w.status, "bytes", w.bytes,
			"ms", took.Milliseconds(), "dirección", v.address.String(), "empresa", v.company, "cuenta", v.account, "caja", v.till)
	}()
	defer func() {
		if fault := recover(); fault != nil {
			d.Log.ErrorContext(r.Context(), "pánico", "método", r.Method, "ruta", v.Route, "fallo", fault, "pila", string(debug.Stack()))
			d.Detail(w, http.StatusInternalServerError, "Error interno del servidor")
		}
	}()
	protect(w.Header())
	fn(w, r)
}

// protect says what a browser must not do with an answer. A page says for itself what it needs.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	// Browsers heed it only if it came over TLS.
	h.Set("Strict-Transport-Security", "max-age=31536000")
}

// Errors of a body that cannot be read at all.
var (
	ErrTooLarge = errors.New("la solicitud es demasiado grande")
	ErrBroken   = errors.New("la solicitud llegó incompleta")
)

// ReadAll reads a body, if it is no longer than that.
func ReadAll(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, ErrTooLarge
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return body, nil
}

// statusOf is the status code of each kind of refusal.
var statusOf = map[central.Kind]int{
	central.Invalid: http.StatusBadRequest, central.Unprocessable: http.StatusUnprocessableEntity,
	central.Unauthorized: http.StatusUnauthorized, central.Forbidden: http.StatusForbidden, central.NotFound: http.StatusNotFound,
	central.Conflict: http.StatusConflict, central.TooMany: http.StatusTooManyRequests,
	central.Unavailable: http.StatusServiceUnavailable,
}

// Fail answers with what went wrong. What is the client's to mend is told in words; what is ours is logged, and told as that.
func (d *Door) Fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *central.RefusalError
	switch {
	case errors.As(err, &refused):
		d.refuse(w, refused)
	case errors.Is(err, ErrTooLarge):
		d.Detail(w, http.StatusRequestEntityTooLarge, "La solicitud es demasiado grande")
	case errors.Is(err, ErrBroken):
		d.Detail(w, http.StatusBadRequest, "La solicitud llegó incompleta")
	case errors.Is(err, central.ErrUnknown):
		d.Log.ErrorContext(r.Context(), "resultado desconocido", "ruta", Of(r.Context()).Route, "error", err)
		d.Detail(w, http.StatusServiceUnavailable, "No se sabe si la operación quedó hecha: consulte antes de repetirla, o repítala con la misma Idempotency-Key")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), central.Passing(err):
		d.Log.WarnContext(r.Context(), "ocupado", "ruta", Of(r.Context()).Route, "error", err)
		w.Header().Set("Retry-After", "1")
		d.Detail(w, http.StatusServiceUnavailable, "El servidor está ocupado. No se hizo nada; intente de nuevo")
	default:
		d.Log.ErrorContext(r.Context(), "falla", "método", r.Method, "ruta", Of(r.Context()).Route, "error", err)
		d.Detail(w, http.StatusInternalServerError, "Error interno del servidor. No se guardó nada")
	}
}

func (d *Door) refuse(w http.ResponseWriter, refused *central.RefusalError) {
	if refused.Kind == central.Unauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if refused.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(refused.Wait/time.Second)))
	}
	body := map[string]any{"detail": refused.Text}
	for name, value := range refused.Extra {
		body[name] = value
	}
	d.Answer(w, statusOf[refused.Kind], body)
}

// Detail answers with a sentence.
func (d *Door) Detail(w http.ResponseWriter, status int, text string) {
	d.Answer(w, status, map[string]any{"detail": text})
}

// Answer writes out as JSON.
func (d *Door) Answer(w http.ResponseWriter, status int, out any) {
	body, err := json.Marshal(out)
	if err != nil {
		d.Log.Error("una respuesta no se pudo escribir", "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"detail":"Error interno del servidor"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to tell
}
