// Package torn speaks Torn's HTTP API: the same paths, fields, decimals in strings, Spanish messages and status codes, on the
// verbs of package central. Clients written for Torn work unchanged.
//
// Owns: reading requests as Pydantic does, answering as FastAPI does, rights per route, CORS, the OpenAPI document. What stands in
// front of it is package door.
//
// Promises: one transaction for a request, committed before the answer; every refusal is a sentence; no route without an
// entry in the table, and none there without a test of who may call it.
//
// Why huma only describes: its reading of requests is JSON Schema's, strict where Pydantic is lenient, and its list of faults
// has another form; of both the clients depend on Torn's. Its model of OpenAPI and its schemas from types are used whole.
package torn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"mostrador/central"
	"mostrador/central/door"
)

// Config is what a Server works with.
type Config struct {
	DB     *central.DB
	Tokens *central.Tokens
	Door   *door.Door
	// Origins may call from a browser; DefaultOrigins if nil.
	Origins []string
}

// DefaultOrigins are Torn's.
func DefaultOrigins() []string {
	var list []string
	for _, host := range []string{"http://localhost", "http://127.0.0.1"} {
		for _, port := range []string{"3000", "3001", "3002", "8000"} {
			list = append(list, host+":"+port)
		}
	}
	return list
}

// Server is the API as an http.Handler. It keeps nothing between requests, so several of them may share one database.
type Server struct {
	Config
	mux     *http.ServeMux
	origins map[string]bool
	routes  []route
}

// New makes the server.
func New(c Config) *Server {
	s := &Server{Config: c, mux: http.NewServeMux(), origins: map[string]bool{}, routes: routes()}
	if s.Origins == nil {
		s.Origins = DefaultOrigins()
	}
	for _, origin := range s.Origins {
		s.origins[origin] = true
	}
	for _, rt := range s.routes {
		s.mux.Handle(rt.method+" "+plainPath(rt.path), s.handler(rt))
	}
	s.addDocs()
	return s
}

// plainPath is the one spelling of a path: without the slash at the end, without /api in front. All spellings lead there
// inside the server, never by a redirect, which would lose the body of a POST.
func plainPath(p string) string {
	p = path.Clean("/" + p)
	if rest, found := strings.CutPrefix(p, "/api"); found && (rest == "" || rest[0] == '/') {
		p = path.Clean("/" + rest)
	}
	if p == "/" {
		return "/{$}"
	}
	return p
}

// ServeHTTP answers. Whatever goes wrong, the answer is JSON with CORS headers and leaves one line in the log.
func (s *Server) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	s.Door.Serve(to, r, func(w http.ResponseWriter, r *http.Request) {
		if s.cors(w, r) {
			return
		}
		leave, err := s.Door.Enter(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer leave()
		s.dispatch(w, r)
	})
}

// pagePolicy is for the pages: all they show and run is of this program.
const pagePolicy = "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'"

func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		s.Door.Detail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	clean := r.Clone(r.Context())
	clean.URL.Path, clean.URL.RawPath = strings.TrimSuffix(plainPath(r.URL.Path), "{$}"), ""
	handler, pattern := s.mux.Handler(clean)
	door.Of(r.Context()).Route = pattern
	if pattern == "" {
		s.notRouted(w, clean, handler)
		return
	}
	s.mux.ServeHTTP(w, clean)
}

// notRouted tells a path that is not there from a method that is not allowed; the mux knows.
func (s *Server) notRouted(w http.ResponseWriter, r *http.Request, mux http.Handler) {
	probe := &statusOnly{header: http.Header{}}
	mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		s.Door.Detail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	s.Door.Detail(w, http.StatusNotFound, "Not Found")
}

// statusOnly takes an answer and keeps its status.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

// cors puts the headers on every answer, and answers preflights itself.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	w.Header().Add("Vary", "Origin")
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if !s.origins[origin] {
		if preflight {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "Disallowed CORS origin")
		}
		return preflight
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "X-Request-ID")
	if preflight {
		h.Set("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, "OK")
	}
	return preflight
}

// handler reads, lets in and serves one route. The body is read before a connection to the database is taken, so that slow
// clients hold none; whether it is right is told after who may ask.
func (s *Server) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.Door.Timeout)
		defer cancel()
		r = r.WithContext(ctx)
		id, err := s.sessionOf(r, rt)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		value, wrong, err := read(r, rt)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		end, err := s.Door.Begin()
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer end()
		q := &request{Request: r, server: s, in: value}
		var out any
		serve := func() (err error) {
			if len(wrong) > 0 {
				return wrong
			}
			out, err = rt.serve(q)
			return err
		}
		if rt.outside && rt.access.level != public {
			if err = s.enter(q, rt, id, func() error { return nil }); err == nil {
				err = serve()
			}
		} else {
			err = s.enter(q, rt, id, serve)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if q.cookie != nil {
			http.SetCookie(w, q.cookie)
		}
		s.answer(w, rt.status, out)
	})
}

// sessionOf reads the token.
func (s *Server) sessionOf(r *http.Request, rt route) (uuid.UUID, error) {
	if rt.access.level == public {
		return uuid.Nil, nil
	}
	if rt.tab && r.Header.Get("Authorization") == "" {
		return s.passOf(r)
	}
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return uuid.Nil, &central.RefusalError{Kind: central.Unauthorized, Text: "Not authenticated"}
	}
	return s.Tokens.Read(token)
}

// enter runs fn as whoever calls, if they may.
func (s *Server) enter(q *request, rt route, id uuid.UUID, fn func() error) error {
	ctx := q.Context()
	switch rt.access.level {
	case public:
		return fn()
	case member:
		company, err := tenantOf(q.Request)
		if err != nil {
			// Who is nobody is told that first.
			return s.DB.Enter(ctx, id, func(*central.Call) error { return err })
		}
		return s.DB.EnterCompany(ctx, id, company, func(c *central.Call) error {
			if want := rt.access.right; want != 0 && !c.May(want) {
				return &central.RefusalError{Kind: central.Forbidden, Text: refusalOf(want)}
			}
			q.call = c
			door.Of(ctx).Caller(c)
			return fn()
		})
	}
	return s.DB.Enter(ctx, id, func(c *central.Call) error {
		if rt.access.level == superuser && !c.Account.IsSuperuser {
			return &central.RefusalError{Kind: central.Forbidden, Text: "Not authorized"}
		}
		q.call = c
		door.Of(ctx).Caller(c)
		return fn()
	})
}

// refusalOf is Torn's sentence where it had one.
func refusalOf(want central.Right) string {
	switch want {
	case central.EditProducts:
		return "Acceso denegado: se requiere permiso para editar productos."
	case central.PerformSales:
		return "Acceso denegado: se requiere permiso para vender."
	case central.PerformReturns:
		return "Acceso denegado: se requiere permiso para hacer devoluciones."
	}
	return "Acceso denegado: se requieren permisos de administrador de empresa."
}

// tenantOf is the company in the header; 0 if there is none, which is enough for who has one company.
func tenantOf(r *http.Request) (int64, error) {
	text := r.Header.Get("X-Tenant-ID")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		var f faults
		f.add([]any{"header", "X-Tenant-ID"}, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", text)
		return 0, f
	}
	return n, nil
}

func (f faults) Error() string { return fmt.Sprintf("%d faltas en la solicitud", len(f)) }

// fail answers with what went wrong: what is wrong with the request in Pydantic's form, all else as everywhere.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var wrong faults
	var refused *central.RefusalError
	switch {
	case errors.As(err, &wrong):
		s.answer(w, http.StatusUnprocessableEntity, map[string]any{"detail": wrong})
	case errors.As(err, &refused) && refused.Kind == central.Unprocessable:
		var f faults
		f.add([]any{"body"}, "value_error", "Value error, "+refused.Text, nil, "error", map[string]any{})
		s.answer(w, http.StatusUnprocessableEntity, map[string]any{"detail": f, "error": refused.Text})
	default:
		s.Door.Fail(w, r, err)
	}
}

func (s *Server) answer(w http.ResponseWriter, status int, out any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	if page, ok := out.(raw); ok {
		w.Header().Set("Content-Type", page.contentType)
		if strings.HasPrefix(page.contentType, "text/html") {
			w.Header().Set("Content-Security-Policy", pagePolicy)
		}
		if page.name != "" {
			w.Header().Set("Content-Disposition", `attachment; filename="`+page.name+`"`)
		}
		w.WriteHeader(status)
		_, _ = w.Write(page.body) // nobody is left to tell
		return
	}
	s.Door.Answer(w, status, out)
}
