// Package tills is the server's door for tills: package central/api's types over HTTP, on the verbs that central.Call has for a
// till.
//
// Owns: the paths below /till/v1, reading and answering them, and what one till may take from the others.
//
// Promises: one transaction for a request, committed before the answer; a token is in no URL and in no log; a body is read
// whole only from a till of the company, unless it is small, and never becomes larger than api.MaxBody; every refusal is
// JSON with a sentence in detail, and 401 with the verdict "ended" is said to nobody but a till that is none any more.
package tills

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/door"
)

// Prefix is where the paths of tills begin.
const Prefix = "/till/"

// Config is what a Server works with.
type Config struct {
	DB   *central.DB
	Door *door.Door
	// Limits are DefaultLimits if zero.
	Limits Limits
}

// Limits keep one till from taking the server away from the others.
type Limits struct {
	// AtOnce is how many requests a till may have open, Minutely how often it may come.
	AtOnce, Minutely int
	// Bodies is how many that are unpacked may be in memory at once, of all tills.
	Bodies int
}

// DefaultLimits let a till tell a year in minutes.
func DefaultLimits() Limits { return Limits{AtOnce: 3, Minutely: 600, Bodies: 8} }

// Sizes and times of a request. Who sends more than small is asked first who they are.
const (
	small    = 256 << 10
	sendTime = 2 * time.Minute // for a large body, on a bad line
)

// Server is the API of tills as an http.Handler. It keeps nothing between requests but counts.
type Server struct {
	Config
	mux    *http.ServeMux
	bodies chan struct{}
}

// New makes the server.
func New(c Config) *Server {
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	s := &Server{Config: c, mux: http.NewServeMux(), bodies: make(chan struct{}, c.Limits.Bodies)}
	s.handle("POST /till/v1/join", s.join)
	s.handle("POST /till/v1/sync", asTill(s, func(c *central.Call, r api.Report) (any, error) { return c.Sync(r) }))
	s.handle("POST /till/v1/push", asTill(s, func(c *central.Call, p api.Push) (any, error) { return c.Push(p) }))
	s.handle("GET /till/v1/pull", s.pull)
	s.handle("GET /till/v1/caf/{id}", s.caf)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { s.Door.Detail(w, http.StatusNotFound, "Not Found") })
	return s
}

// ServeHTTP answers.
func (s *Server) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	s.Door.Serve(to, r, func(w http.ResponseWriter, r *http.Request) {
		leave, err := s.Door.Enter(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer leave()
		s.mux.ServeHTTP(w, r)
	})
}

// handle serves one path: what it answers goes out packed, if the till can unpack it.
func (s *Server) handle(pattern string, serve func(w http.ResponseWriter, r *http.Request) (any, error)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		door.Of(r.Context()).Route = pattern
		out, err := serve(w, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.answer(w, r, out)
	})
}

// file is an answer that is no JSON.
type file []byte

func (s *Server) answer(w http.ResponseWriter, r *http.Request, out any) {
	kind := "application/octet-stream"
	body, isFile := out.(file)
	if !isFile {
		kind = "application/json"
		text, err := json.Marshal(out)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		body = text
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), api.Encoding) {
		packed, encoding := api.Pack(body)
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
			body = packed
		}
	}
	_, _ = w.Write(body) // nobody is left to tell
}

// fail answers with what went wrong. What is in doubt is no trouble here: all that a till says it may say again.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, central.ErrUnknown) {
		s.Door.Log.WarnContext(r.Context(), "resultado desconocido", "ruta", door.Of(r.Context()).Route, "error", err)
		w.Header().Set("Retry-After", "1")
		s.Door.Detail(w, http.StatusServiceUnavailable, "No se sabe si el servidor alcanzó a guardar. Lo vendido está guardado en la caja, que lo dirá de nuevo")
		return
	}
	s.Door.Fail(w, r, err)
}

func refuse(kind central.Kind, text string) error {
	return &central.RefusalError{Kind: kind, Text: text}
}

// join takes a till in. Who guesses codes is slowed down like who guesses passwords.
func (s *Server) join(_ http.ResponseWriter, r *http.Request) (joined any, err error) {
	if err := s.Door.Login(r); err != nil {
		return nil, err
	}
	packed, err := door.ReadAll(r, small)
	if err != nil {
		return nil, err
	}
	var j api.Join
	err = s.open(r, packed, &j, func() error {
		return s.work(r.Context(), func(ctx context.Context) (err error) {
			joined, err = s.DB.Join(ctx, j)
			return err
		})
	})
	return joined, err
}

// pull is what is new for a till.
func (s *Server) pull(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.enter(r, func(token string) (out any, err error) {
		err = s.as(r.Context(), token, func(c *central.Call) (err error) {
			out, err = c.Pull(r.URL.Query().Get("cursor"))
			return err
		})
		return out, err
	})
}

// caf is a file that a till has folios of.
func (s *Server) caf(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.enter(r, func(token string) (any, error) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return nil, refuse(central.NotFound, "La caja no tiene folios de ese CAF")
		}
		var xml []byte
		err = s.as(r.Context(), token, func(c *central.Call) (err error) {
			xml, err = c.LeasedCAF(id)
			return err
		})
		return file(xml), err
	})
}

// asTill reads what a till says, and does it in its name.
func asTill[In any](s *Server, do func(*central.Call, In) (any, error)) func(http.ResponseWriter, *http.Request) (any, error) {
	return func(w http.ResponseWriter, r *http.Request) (any, error) {
		return s.enter(r, func(token string) (out any, err error) {
			packed, err := s.body(w, r, token)
			if err != nil {
				return nil, err
			}
			var in In
			err = s.open(r, packed, &in, func() error {
				return s.as(r.Context(), token, func(c *central.Call) (err error) {
					out, err = do(c, in)
					return err
				})
			})
			return out, err
		})
	}
}

// enter lets fn run for the till that calls, if it does not call too often.
func (s *Server) enter(r *http.Request, fn func(token string) (any, error)) (any, error) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return nil, central.ErrTill
	}
	sum := sha256.Sum256([]byte(token))
	who := "till " + hex.EncodeToString(sum[:])
	if err := s.Door.Paced(who, s.Limits.Minutely, "La caja pregunta demasiado seguido. Nada se pierde"); err != nil {
		return nil, err
	}
	leave, err := s.Door.Place(who, s.Limits.AtOnce, "La caja tiene demasiadas solicitudes abiertas. Nada se pierde; se intentará de nuevo")
	if err != nil {
		return nil, err
	}
	defer leave()
	return fn(token)
}

// body reads what a till sends. A large one is asked who it is first, and then has the time that a bad line needs.
func (s *Server) body(w http.ResponseWriter, r *http.Request, token string) ([]byte, error) {
	if r.ContentLength >= 0 && r.ContentLength <= small {
		return door.ReadAll(r, small)
	}
	if err := s.as(r.Context(), token, func(*central.Call) error { return nil }); err != nil {
		return nil, err
	}
	control := http.NewResponseController(w)
	until := func(t time.Time) error { return errors.Join(control.SetReadDeadline(t), control.SetWriteDeadline(t)) }
	if err := until(time.Time{}); err != nil {
		return nil, err
	}
	cut := time.AfterFunc(sendTime, func() { _ = until(time.Unix(1, 0)) }) // it is over: whoever reads or writes hears of it
	context.AfterFunc(r.Context(), func() { cut.Stop() })
	return door.ReadAll(r, api.MaxCompressed)
}

// open unpacks a body and has fn do what it says. Only so many are unpacked at a time: a small body may become a large one.
func (s *Server) open(r *http.Request, packed []byte, in any, fn func() error) error {
	select {
	case s.bodies <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	defer func() { <-s.bodies }()
	body, err := api.Unpack(packed, r.Header.Get("Content-Encoding"))
	switch {
	case errors.Is(err, api.ErrTooLarge):
		return door.ErrTooLarge
	case err != nil:
		return door.ErrBroken
	}
	if err := json.Unmarshal(body, in); err != nil {
		return refuse(central.Invalid, "No se entiende lo que dijo la caja. Lo vendido está guardado en ella; actualice el programa")
	}
	return fn()
}

// as runs fn as the till.
func (s *Server) as(ctx context.Context, token string, fn func(*central.Call) error) error {
	return s.work(ctx, func(ctx context.Context) error {
		return s.DB.EnterTill(ctx, token, func(c *central.Call) error {
			door.Of(ctx).Caller(c)
			return fn(c)
		})
	})
}

// work runs fn among all that is at work.
func (s *Server) work(ctx context.Context, fn func(context.Context) error) error {
	end, err := s.Door.Begin()
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, s.Door.Timeout)
	defer cancel()
	return fn(ctx)
}
