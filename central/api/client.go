package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Paths of the server, below its address.
const (
	pathJoin = "/till/v1/join"
	pathSync = "/till/v1/sync"
	pathPush = "/till/v1/push"
	pathPull = "/till/v1/pull"
	pathCAF  = "/till/v1/caf/"
)

// How long an answer may take, and what it may weigh. A push or news may be long on a bad line; all else is short.
const (
	shortTime = 20 * time.Second
	longer    = 6 // times that: two minutes, as the server has it
	maxShort  = 1 << 20
	maxCAF    = 64 << 10
	maxHead   = 64 << 10
	maxWait   = time.Hour
)

// ClientConfig is what a Client works with.
type ClientConfig struct {
	// URL is the server's: https, or http on this very computer.
	URL string
	// Token is from Joined. It goes into no URL and no error.
	Token string
	// Version of the program.
	Version string
	// Proxy is what everything goes through; nil is what HTTPS_PROXY and NO_PROXY of the environment say.
	Proxy *url.URL
	// Roots are the authorities of the server's certificate; nil takes the system's.
	Roots *x509.CertPool
	// Timeout bounds a short exchange, from dialling to the last byte (20 s); one that carries much has six times as long.
	Timeout time.Duration
}

// Client is a Server over HTTP. It may be used from any goroutine.
type Client struct {
	ClientConfig
	base *url.URL
	http atomic.Pointer[http.Client]
}

var _ Server = (*Client)(nil)

// NewClient speaks to a server that the till has joined.
func NewClient(c ClientConfig) (*Client, error) {
	base, err := ParseURL(c.URL)
	if err != nil {
		return nil, err
	}
	c.Timeout = cmp.Or(c.Timeout, shortTime)
	client := &Client{ClientConfig: c, base: base}
	client.begin()
	return client, nil
}

// begin has what follows go over new connections. One that was reset by a stranger, or whose other end is gone without a word,
// looks alive from here, and HTTP/2 would ask it for ever.
func (c *Client) begin() {
	own := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // it is one
	own.MaxResponseHeaderBytes = maxHead
	own.TLSClientConfig = &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	own.OnProxyConnectResponse = atProxy
	if c.Proxy != nil {
		own.Proxy = http.ProxyURL(c.Proxy)
	}
	// Who redirects is no server of ours: a portal, which must not get the token.
	asIs := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if old := c.http.Swap(&http.Client{Transport: own, CheckRedirect: asIs}); old != nil {
		old.CloseIdleConnections()
	}
}

// errProxyAuth is a proxy that opens no way to the server without a password; closedError one that opens none at all.
var errProxyAuth = errors.New("proxy authentication required")

type closedError struct{ status string }

func (e closedError) Error() string { return "proxy: " + e.status }

// atProxy reads what a proxy says before there is a way to the server. What fails beyond it is the line.
func atProxy(_ context.Context, _ *url.URL, _ *http.Request, said *http.Response) error {
	switch {
	case said.StatusCode == http.StatusProxyAuthRequired:
		return errProxyAuth
	case said.StatusCode >= 400 && said.StatusCode < 500 && said.StatusCode != http.StatusTooManyRequests:
		return closedError{said.Status}
	}
	return nil
}

// ParseURL reads a server's address as a person types it. Keys of CAFs travel there, so it is TLS for all but this computer.
func ParseURL(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(text) > 500 {
		return nil, &Error{Verdict: Stuck, Code: "dato", Message: "La dirección del servidor no es válida. Escríbala como https://central.ejemplo.cl"}
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !onThisComputer(u.Hostname())) {
		return nil, &Error{Verdict: Stuck, Code: "dato", Message: "La dirección del servidor tiene que comenzar con https: por ella viajan las llaves de los folios. No se envió nada"}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func onThisComputer(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// JoinServer asks the server to take this till in. With the same code and secret it may be asked again.
func JoinServer(ctx context.Context, c ClientConfig, j Join) (joined Joined, err error) {
	c.Token = ""
	client, err := NewClient(c)
	if err != nil {
		return joined, err
	}
	if err := client.ask(ctx, question{method: http.MethodPost, path: pathJoin, in: j, out: &joined}); err != nil {
		return Joined{}, err
	}
	if err := joined.check(); err != nil {
		return Joined{}, nonsense(err)
	}
	return joined, nil
}

// Sync implements Server.
func (c *Client) Sync(ctx context.Context, r Report) (a Answer, err error) {
	if err := c.ask(ctx, question{method: http.MethodPost, path: pathSync, in: r, out: &a}); err != nil {
		return Answer{}, err
	}
	if a.Protocol < Oldest || a.Protocol > Protocol {
		return Answer{}, &Error{Verdict: Stuck, Code: "protocolo", Message: "El servidor tiene una versión de Mostrador que esta caja no entiende. Lo vendido está guardado y puede seguir vendiendo; actualice el servidor o el programa de la caja"}
	}
	if err := a.check(); err != nil {
		return Answer{}, nonsense(err)
	}
	return a, nil
}

// Push implements Server.
func (c *Client) Push(ctx context.Context, p Push) (done Pushed, err error) {
	if err := c.ask(ctx, question{method: http.MethodPost, path: pathPush, in: p, out: &done, long: true}); err != nil {
		return Pushed{}, err
	}
	if err := done.check(); err != nil {
		return Pushed{}, nonsense(err)
	}
	return done, nil
}

// Pull implements Server.
func (c *Client) Pull(ctx context.Context, cursor string) (n News, err error) {
	path := pathPull + "?cursor=" + url.QueryEscape(cursor)
	if err := c.ask(ctx, question{method: http.MethodGet, path: path, out: &n, long: true, limit: MaxCompressed}); err != nil {
		return News{}, err
	}
	if err := n.check(); err != nil {
		return News{}, nonsense(err)
	}
	return n, nil
}

// CAF implements Server.
func (c *Client) CAF(ctx context.Context, id int64) (file []byte, err error) {
	err = c.ask(ctx, question{method: http.MethodGet, path: pathCAF + strconv.FormatInt(id, 10), file: &file, limit: maxCAF})
	if err == nil && len(file) == 0 {
		err = nonsense(errors.New("un CAF vacío"))
	}
	return file, err
}

// question is one thing that a till says, and where the answer goes.
type question struct {
	method, path string
	in, out      any
	file         *[]byte // instead of out
	long         bool
	limit        int64 // of the answer as it travels; maxShort if 0
}

// ask says one thing, once.
func (c *Client) ask(ctx context.Context, q question) error {
	wait := c.Timeout
	if q.long {
		wait *= longer
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r, err := c.request(ctx, q)
	if err != nil {
		return err
	}
	got, err := c.http.Load().Do(r)
	if err != nil {
		c.begin()
		return lineError(err)
	}
	defer got.Body.Close()
	limit := cmp.Or(q.limit, maxShort)
	packed, err := io.ReadAll(io.LimitReader(got.Body, limit+1))
	if err != nil {
		c.begin()
		return lineError(err)
	}
	if int64(len(packed)) > limit {
		return nonsense(fmt.Errorf("una respuesta de más de %d bytes", limit))
	}
	body, err := Unpack(packed, got.Header.Get("Content-Encoding"))
	if err != nil {
		return nonsense(err)
	}
	if err := refusal(got, body); err != nil {
		return err
	}
	if q.file != nil {
		*q.file = body
		return nil
	}
	if err := json.Unmarshal(body, q.out); err != nil {
		return nonsense(err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, q question) (*http.Request, error) {
	var body io.Reader
	var encoding string
	if q.in != nil {
		text, err := json.Marshal(q.in)
		if err != nil {
			return nil, &Error{Verdict: Stuck, Code: "dato", Message: "Esta caja no logra decir algo al servidor. Lo vendido está guardado; avise a soporte", Cause: err}
		}
		if len(text) > MaxBody {
			return nil, &Error{Verdict: Stuck, Code: "tamaño", Message: "Esta caja quiso decir demasiado de una vez al servidor. Lo vendido está guardado; avise a soporte"}
		}
		text, encoding = Pack(text)
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, c.base.String()+q.path, body)
	if err != nil {
		return nil, &Error{Verdict: Stuck, Code: "dato", Message: "La dirección del servidor no es válida. Revise la configuración", Cause: err}
	}
	r.Header.Set("User-Agent", "Mostrador/"+cmp.Or(c.Version, "0"))
	r.Header.Set("Accept", "application/json, application/octet-stream")
	r.Header.Set("Accept-Encoding", Encoding)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	if q.path != pathJoin {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// proxyWants is a proxy that asks for a password.
const proxyWants = "El proxy de la red pide usuario y contraseña, y no dejó pasar hasta el servidor. Puede seguir vendiendo; corrija el proxy en la configuración."

// lineError is a question without an answer. What was said may have arrived: everything may be said again.
func lineError(cause error) *Error {
	e := &Error{
		Verdict: Later, Down: true, Code: "red", Cause: cause,
		Message: "No hay conexión con el servidor. Puede seguir vendiendo; lo pendiente se contará solo.",
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	dial, dialled := errors.AsType[*net.OpError](cause)
	closed, refused := errors.AsType[closedError](cause)
	switch {
	case errors.Is(cause, errProxyAuth):
		e.Code, e.Message = "proxy", proxyWants
	case refused:
		e.Code = "proxy"
		e.Message = "El proxy de la red no deja pasar al servidor (" + clip(closed.status) + "). Puede seguir vendiendo; pida a quien lo administra que permita su dirección."
	case dialled && (dial.Op == "proxyconnect" || dial.Op == "socks connect"):
		e.Code = "proxy"
		e.Message = "No responde el proxy de la red, y sin él no se llega al servidor. Puede seguir vendiendo; revise el proxy o su dirección en la configuración."
	case errors.As(cause, &certificate), errors.As(cause, &record), errors.Is(cause, http.ErrSchemeMismatch):
		e.Code = "tls"
		e.Message = "Lo que respondió no pudo probar que es el servidor: su certificado no es válido o no tiene. No se envió nada y puede seguir vendiendo. " +
			"Revise la fecha y hora del equipo y si el wifi pide iniciar sesión."
	case errors.Is(cause, context.DeadlineExceeded), isTimeout(cause):
		e.Code = "plazo"
		e.Message = "El servidor no respondió a tiempo. Puede seguir vendiendo; se volverá a intentar."
	}
	return e
}

func isTimeout(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

// nonsense is an answer that makes no sense: nothing of it was believed.
func nonsense(cause error) *Error {
	return &Error{
		Verdict: Later, Code: "respuesta", Cause: cause,
		Message: "El servidor respondió algo que no tiene sentido y no se tomó en cuenta. Puede seguir vendiendo; se volverá a preguntar. Si sigue así, avise a quien administra.",
	}
}

// said is what the server says when it refuses.
type said struct {
	Detail  string  `json:"detail"`
	Code    string  `json:"code"`
	Verdict Verdict `json:"verdict"`
}

// refusal reads what HTTP says; nil for an answer worth reading. Only our server speaks JSON with a detail: whoever speaks
// otherwise is somebody in between, and ends nothing.
func refusal(got *http.Response, body []byte) error {
	var s said
	isJSON := strings.HasPrefix(got.Header.Get("Content-Type"), "application/json")
	ours := isJSON && json.Unmarshal(body, &s) == nil && s.Detail != ""
	status := got.StatusCode
	e := &Error{Verdict: Later, Code: strconv.Itoa(status), Wait: retryAfter(got.Header), Message: clip(s.Detail)}
	switch {
	case status == http.StatusOK && looksHTML(got, body), status < 200, status >= 300 && status < 400, status == http.StatusNetworkAuthenticationRequired:
		e.Down, e.Code = true, "portal"
		e.Message = "Respondió una página web que no es el servidor; quizás el wifi pide iniciar sesión. Puede seguir vendiendo; revise la conexión."
	case status < 300:
		return nil
	case status == http.StatusProxyAuthRequired:
		e.Down, e.Code = true, "proxy"
		e.Message = proxyWants
	case status == http.StatusTooManyRequests && ours:
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout, status == http.StatusTooManyRequests:
		e.Down = !ours
		if !ours {
			e.Message = "El servidor no está disponible en este momento. Puede seguir vendiendo; se volverá a intentar."
		}
	case status >= 500, status == http.StatusRequestTimeout:
		e.Message = "El servidor tuvo una falla. Lo vendido está guardado y puede seguir vendiendo; se volverá a intentar."
		e.Cause = errors.New(cmp.Or(clip(s.Detail), "sin palabras"))
	case !ours:
		e.Down, e.Code = true, "portal"
		e.Message = "Respondió alguien que no es el servidor (" + strconv.Itoa(status) + "). Puede seguir vendiendo; revise la conexión y la dirección del servidor."
	default:
		e.Verdict = Stuck
		if status == http.StatusUnauthorized && s.Verdict == Ended {
			e.Verdict = Ended
		}
		switch {
		case s.Code != "" && len(s.Code) <= 20:
			e.Code = s.Code
		case status == http.StatusRequestEntityTooLarge:
			e.Code = "tamaño"
		}
	}
	return e
}

// looksHTML reports a web page.
func looksHTML(got *http.Response, body []byte) bool {
	kind := strings.ToLower(got.Header.Get("Content-Type"))
	return strings.HasPrefix(kind, "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<!")) || bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(body)), []byte("<html"))
}

// retryAfter is for how long the server wants to be left alone, in seconds. A date tells nothing to who does not trust a clock.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(h.Get("Retry-After")), 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxWait)
}

// clip is what is shown of somebody else's words.
func clip(text string) string {
	const most = 400
	text = strings.ToValidUTF8(text, "")
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		text = text[:len(text)-1]
		if len(text) <= most {
			break
		}
	}
	return text[:most] + "…"
}
