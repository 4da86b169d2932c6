package sii

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// userAgent must contain "PROG 1.0": without it DTEUpload answers an HTML error and the boleta services answer 401 with a
// perfectly good token (Manual de desarrollador externo, envío automático).
const userAgent = "Mozilla/4.0 (compatible; PROG 1.0; Windows NT)"

// maxWait bounds what a Retry-After may ask for.
const maxWait = 24 * time.Hour

// slowPart is what a line that is still one carries within a Timeout: 2 KB/s. Fifty boletas are twice as much.
const slowPart = 120 << 10

// request is one message to the authority. upload says that a lost answer leaves a doubt.
type request struct {
	method, url         string
	contentType, accept string
	token               string
	body                []byte
	upload              bool
}

// reply is an answer that came from the authority, or at least looks so: status 2xx and not a web page.
type reply struct {
	body []byte
	wait time.Duration // X-Retry-After, or the reset of an exhausted X-RateLimit
}

// outgoing tells whether the transport began to take the body: from then on bytes may have left.
type outgoing struct {
	io.Reader
	left atomic.Bool
}

func (o *outgoing) Read(p []byte) (int, error) {
	o.left.Store(true)
	return o.Reader.Read(p)
}

// send does one request, once. Redirects are answers, never followed: the SII's services do not redirect, portals do.
func (c *Client) send(ctx context.Context, r request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+time.Duration(int64(c.timeout)*int64(len(r.body))/slowPart))
	defer cancel()
	body := &outgoing{Reader: bytes.NewReader(r.body)}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, nil)
	if err != nil {
		return reply{}, &Error{Verdict: Person, Code: "dato", Message: "La dirección del SII no es válida. Revise la configuración.", cause: err}
	}
	if len(r.body) > 0 {
		// A known length keeps the transfer from being chunked: the SII's gateway reads only 4 KB of a chunked body.
		req.Body, req.ContentLength = io.NopCloser(body), int64(len(r.body))
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", r.accept)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if strings.HasPrefix(r.contentType, "text/xml") {
		req.Header.Set("SOAPAction", `""`)
	}
	if r.token != "" {
		req.Header.Set("Cookie", "TOKEN="+r.token)
	}
	asked := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, lineError(err, r.upload && body.left.Load())
	}
	defer resp.Body.Close()
	answered := c.now()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return reply{}, lineError(err, r.upload)
	}
	if len(answer) > maxReply {
		return reply{}, unreadable(r.upload, fmt.Errorf("respuesta de más de %d bytes", maxReply))
	}
	wait := retryAfter(resp.Header, c.now())
	trouble := trouble(resp.StatusCode, answer, r.upload)
	if trouble == nil || !trouble.Down {
		c.noteSkew(resp.Header, asked, answered)
	}
	if trouble != nil {
		trouble.RetryAfter = wait
		return reply{}, trouble
	}
	return reply{body: answer, wait: wait}, nil
}

// trouble reads what HTTP itself says; nil for an answer worth parsing.
func trouble(status int, body []byte, upload bool) *Error {
	if status >= 200 && status < 300 {
		if looksHTML(body) {
			return pageError(body, upload)
		}
		return nil
	}
	text := answerText(body)
	code := strconv.Itoa(status)
	switch {
	case status == http.StatusProxyAuthRequired:
		return proxyError(nil)
	case status < 400 || status == http.StatusNetworkAuthenticationRequired:
		return portalError(upload, text)
	case status == http.StatusUnauthorized, status == http.StatusBadRequest && strings.Contains(text, "TOKEN"):
		return unauthenticated(code)
	case status == http.StatusTooManyRequests:
		return later(code, "El SII pide esperar: hubo demasiadas consultas. Se volverá a intentar más tarde.")
	case strings.Contains(text, "Acceso Denegado"), strings.Contains(text, "No such operation"):
		// What the API gateway says to a call that belongs to another host.
		return person(code, "El SII no ofrece este servicio en esa dirección. Nada se envió; revise la configuración del ambiente.")
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		e := later(code, "El SII no está disponible en este momento. Puede seguir vendiendo; se volverá a intentar.")
		e.Down, e.MaybeReceived = true, upload
		return e
	case status >= 500, status == http.StatusRequestTimeout:
		e := later(code, "El SII tuvo un error interno. Nada se pierde; se volverá a intentar.")
		e.MaybeReceived, e.cause = upload, errors.New(code+" "+text)
		return e
	case status == http.StatusNotFound:
		return later(code, "El SII no encontró lo que se le preguntó. Se volverá a preguntar.")
	}
	return person(code, "El SII no aceptó la solicitud: "+text)
}

// pageError is a web page with status 200. One about the upload is the SII's refusal and means "not received"; any other
// one is somebody in between.
func pageError(page []byte, upload bool) *Error {
	text := htmlText(page)
	all := strings.ToUpper(string(toUTF8(page)))
	if !strings.Contains(all, pageHeading) && !strings.Contains(all, "ERROR EN EL UPLOAD") {
		return portalError(upload, text)
	}
	if strings.Contains(strings.ToUpper(text), "AUTORIZAD") {
		return person("html", "El SII no recibió el envío: "+text+" Revise en sii.cl la autorización de la empresa y del firmante.")
	}
	return later("html", "El SII no recibió el envío: "+text+" Se volverá a intentar.")
}

// answerText is the sentence inside an error answer: plain text, a SOAP Fault or a page.
func answerText(body []byte) string {
	if looksHTML(body) {
		return htmlText(body)
	}
	if fields, err := ReadFields(body); err == nil {
		return clip(fields.First("faultstring", "GLOSA", "message"))
	}
	return clip(string(toUTF8(body)))
}

// retryAfter is how long the authority wants to be left alone: seconds or a date in X-Retry-After or Retry-After, or the
// seconds until an exhausted rate limit is reset. A date is by the authority's own clock, which the answer tells.
func retryAfter(h http.Header, now time.Time) time.Duration {
	var wait time.Duration
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	for _, name := range []string{"X-Retry-After", "Retry-After"} {
		value := strings.TrimSpace(h.Get(name))
		if date, err := http.ParseTime(value); err == nil {
			wait = max(wait, date.Sub(now))
		} else {
			wait = max(wait, seconds(value))
		}
	}
	if strings.TrimSpace(h.Get("X-RateLimit-Remaining")) == "0" {
		reset := seconds(h.Get("X-RateLimit-Reset"))
		if reset > 365*maxWait { // a moment, not a span
			reset = time.Unix(int64(reset/time.Second), 0).Sub(now)
		}
		wait = max(wait, reset)
	}
	return min(wait, maxWait)
}

func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
