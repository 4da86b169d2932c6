// Package sii is the authority's web services behind one small client: session, upload, and the two questions "what
// became of my envelope?" and "did my document arrive?". The two channels, SOAP with DTEUpload and the boleta's REST,
// look the same from outside.
//
// Owns: the wire formats of the SII, their quirks, and the reading of every answer as one verdict.
//
// Invariants: every answer and every silence is exactly one Verdict; no upload is sent twice, except once more after a
// refused token, which proves that nothing was received; an upload whose answer is lost is reported as MaybeReceived.
// Back-off and persistence belong to whoever calls.
//
// Sources: SII, "Manual de desarrollador externo" of the automatic upload, of authentication (OI2003), of the envelope
// status (QueryEstUp) and of the document status (OI2004); OpenAPI "API SII - V1" 1.0.5 for boletas.
//
// Imports dte and net/http; never store or central.
package sii

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"mostrador/dte"
)

// Channel is one of the authority's two doors.
type Channel string

const (
	// ChannelDTE is SOAP and DTEUpload: facturas, notes and all else; it also takes the boletas of a certification set.
	ChannelDTE Channel = "dte"
	// ChannelBoleta is the REST service of boletas.
	ChannelBoleta Channel = "boleta"
)

// ChannelOf is the door of a document type.
func ChannelOf(t dte.TipoDTE) Channel {
	if t.EsBoleta() {
		return ChannelBoleta
	}
	return ChannelDTE
}

// Endpoints are base addresses, without a final slash. The boleta channel is split: envelopes go to another host than
// seed, token and questions.
type Endpoints struct {
	DTE          string // seed, token, upload and questions of ChannelDTE
	Boleta       string // seed, token and questions of ChannelBoleta
	BoletaUpload string // upload of ChannelBoleta
}

// Produccion is where documents are valid.
func Produccion() Endpoints {
	return Endpoints{"https://palena.sii.cl", "https://api.sii.cl/recursos/v1", "https://rahue.sii.cl/recursos/v1"}
}

// Certificacion is the SII's test environment.
func Certificacion() Endpoints {
	return Endpoints{"https://maullin.sii.cl", "https://apicert.sii.cl/recursos/v1", "https://pangal.sii.cl/recursos/v1"}
}

// Single has everything behind one base address: the simulator.
func Single(base string) Endpoints {
	base = strings.TrimRight(base, "/")
	return Endpoints{base, base + "/recursos/v1", base + "/recursos/v1"}
}

// Config is what a Client works with.
type Config struct {
	Endpoints Endpoints
	// Signer opens the session and is the sender of every upload.
	Signer *dte.Signer
	// Now is the clock; required.
	Now func() time.Time
	// HTTP is used with its redirects disabled, and with its own idea of a proxy; nil means verified TLS ≥ 1.2.
	HTTP *http.Client
	// Proxy is what requests go through: see ParseProxy. nil means what HTTPS_PROXY and NO_PROXY of the environment say.
	Proxy *url.URL
	// Timeout bounds each single exchange, from dialling to the last byte; 0 means one minute. What is large has as much
	// again for each slowPart. The context of a call bounds the whole.
	Timeout time.Duration
}

// Client talks to the authority. It is safe for concurrent use.
type Client struct {
	at      Endpoints
	signer  *dte.Signer
	now     func() time.Time
	http    *http.Client
	timeout time.Duration
	logins  map[Channel]*login
	skew    atomic.Pointer[time.Duration]
}

// New makes a client. It does not touch the network.
func New(cfg Config) *Client {
	h := http.Client{Transport: newTransport(cfg.Proxy)}
	if cfg.HTTP != nil {
		h = *cfg.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		at: cfg.Endpoints, signer: cfg.Signer, now: cfg.Now, http: &h, timeout: cmp.Or(cfg.Timeout, time.Minute),
		logins: map[Channel]*login{ChannelDTE: newLogin(), ChannelBoleta: newLogin()},
	}
}

func newTransport(proxy *url.URL) *http.Transport {
	through := http.ProxyFromEnvironment
	if proxy != nil {
		through = http.ProxyURL(proxy)
	}
	return &http.Transport{
		Proxy: through,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			switch {
			case resp.StatusCode == http.StatusProxyAuthRequired:
				return errProxyAuth
			case resp.StatusCode >= 400 && resp.StatusCode < 500:
				return proxyRefusedError{resp.Status}
			}
			return nil // 5xx is the line beyond the proxy: the transport reports it
		},
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 20 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}
}

// ParseProxy reads the setting of a shop: "host:port", or an address with http, https or socks5 and perhaps user and
// password. Empty is nil: the environment decides. The error never repeats the text, which may hold a password.
func ParseProxy(setting string) (*url.URL, error) {
	setting = strings.TrimSpace(setting)
	if setting == "" {
		return nil, nil
	}
	if !strings.Contains(setting, "://") {
		setting = "http://" + setting
	}
	u, err := url.Parse(setting)
	if err == nil && u.Hostname() != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		switch u.Scheme {
		case "http", "https", "socks5":
			return &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}, nil
		}
	}
	return nil, person("dato", "La dirección del proxy no es válida. Escríbala como servidor:puerto, por ejemplo proxy.local:3128.")
}

// Skew is how far the authority's clock is ahead of Config.Now, by its last answer; false before the first one. A
// positive one means that this machine is slow. It is exact to a second or two; a captive portal's clock does not count.
func (c *Client) Skew() (time.Duration, bool) {
	if skew := c.skew.Load(); skew != nil {
		return *skew, true
	}
	return 0, false
}

// slowAnswer is a round trip too long to tell the time by: the clock was read somewhere within it.
const slowAnswer = 5 * time.Second

// noteSkew compares the Date of an answer with the middle of its round trip.
func (c *Client) noteSkew(h http.Header, asked, answered time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	trip := answered.Sub(asked)
	if err != nil || trip < 0 || trip > slowAnswer {
		return
	}
	date = date.Add(time.Second / 2) // it was cut to the second
	skew := date.Sub(asked.Add(trip / 2)).Round(time.Second)
	c.skew.Store(&skew)
}

// Reach asks a channel of the authority for a seed, which needs no certificate and leaves no trace: it tells whether the
// line, and the proxy on it, let one through.
func (c *Client) Reach(ctx context.Context, ch Channel) error {
	if c.logins[ch] == nil {
		return person("dato", "No existe el canal «"+clip(string(ch))+"» del SII. Avise a soporte.")
	}
	_, err := c.seed(ctx, ch)
	return err
}

// Receipt is proof that the authority has an envelope. It is not a verdict on its documents.
type Receipt struct {
	TrackID string // digits, with their leading zeros
	// Already: the same bytes had arrived before, under TrackID.
	Already bool
	// RetryAfter is how long to wait before asking for the status; 0 when the authority did not say.
	RetryAfter time.Duration
}

// Upload sends the exact bytes of an envelope. name is only a label; characters outside [A-Za-z0-9_.-] are replaced.
// After an *Error with MaybeReceived, ask DocumentStatus before calling it again; then call it with the same bytes only.
func (c *Client) Upload(ctx context.Context, ch Channel, emisor dte.RUT, name string, envelope []byte) (Receipt, error) {
	if err := c.ready(ch); err != nil {
		return Receipt{}, err
	}
	if emisor == 0 || len(envelope) == 0 {
		return Receipt{}, person("dato", "Falta la empresa o el contenido del envío. Avise a soporte.")
	}
	contentType, body := c.form(emisor, name, envelope)
	r := request{method: http.MethodPost, url: c.at.DTE + "/cgi_dte/UPL/DTEUpload", accept: "*/*", contentType: contentType, body: body, upload: true}
	read := readReception
	if ch == ChannelBoleta {
		r.url, r.accept, read = c.at.BoletaUpload+"/boleta.electronica.envio", "application/json", readEnvio
	}
	var receipt Receipt
	err := c.withToken(ctx, ch, func(token string) error {
		r.token = token
		answer, err := c.send(ctx, r)
		if err != nil {
			return duplicateIn(err, &receipt)
		}
		receipt, err = read(answer.body)
		receipt.RetryAfter = max(receipt.RetryAfter, answer.wait)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	return receipt, nil
}

// ready refuses what can be known to be useless without asking.
func (c *Client) ready(ch Channel) error {
	switch {
	case c.logins[ch] == nil:
		return person("dato", "No existe el canal «"+clip(string(ch))+"» del SII. Avise a soporte.")
	case c.signer == nil:
		return person("certificado", "Falta el certificado digital del firmante. Impórtelo para poder enviar; las ventas siguen guardadas.")
	}
	if err := c.signer.ValidAt(c.now()); err != nil {
		return &Error{
			Verdict: Person, Code: "certificado", cause: err,
			Message: "No se puede enviar al SII con este certificado; las ventas siguen guardadas.",
		}
	}
	return nil
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// form is the multipart form of both channels. It is written by hand so that equal envelopes give equal requests, in the
// order of the manual.
func (c *Client) form(emisor dte.RUT, name string, envelope []byte) (contentType string, body []byte) {
	sum := sha256.Sum256(envelope) // a boundary that cannot occur inside
	boundary := "----sii" + hex.EncodeToString(sum[:12])
	name = notInName.ReplaceAllString(strings.TrimSuffix(name, ".xml"), "_")
	if name = name[:min(len(name), 60)]; name == "" {
		name = "envio"
	}
	var b bytes.Buffer
	for _, field := range [][2]string{
		{"rutSender", c.signer.RUT().Number()},
		{"dvSender", string(c.signer.RUT().DV())},
		{"rutCompany", emisor.Number()},
		{"dvCompany", string(emisor.DV())},
	} {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, field[0], field[1])
	}
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"archivo\"; filename=\"%s.xml\"\r\nContent-Type: text/xml\r\n\r\n", boundary, name)
	b.Write(envelope)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return "multipart/form-data; boundary=" + boundary, b.Bytes()
}
