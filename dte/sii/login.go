package sii

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"mostrador/dte"
)

// tokenLife is when a token is renewed unasked. The SII gives an hour, renewed on use.
const tokenLife = 50 * time.Minute

// login is the session of one channel: a token of SOAP is worthless in REST and the other way round.
type login struct {
	turn  chan struct{} // holds one element; whoever takes it may log in
	token string
	since time.Time
}

func newLogin() *login {
	l := &login{turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

// withToken runs use with a session. If the authority refuses the token, use runs exactly once more with a new one.
func (c *Client) withToken(ctx context.Context, ch Channel, use func(token string) error) error {
	token, err := c.token(ctx, ch, "")
	if err != nil {
		return err
	}
	if err = use(token); !refused(err) {
		return err
	}
	if token, err = c.token(ctx, ch, token); err != nil {
		return err
	}
	return use(token)
}

// token is the cached token, or a new one when it is old, missing, or the refused one. Concurrent callers share one
// login.
func (c *Client) token(ctx context.Context, ch Channel, refusedToken string) (string, error) {
	l := c.logins[ch]
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", lineError(ctx.Err(), false)
	}
	// A clock that was set back makes the age negative: nothing is known then, and a login is cheap.
	age := c.now().Sub(l.since)
	if l.token != "" && l.token != refusedToken && age >= 0 && age < tokenLife {
		return l.token, nil
	}
	l.token = ""
	seed, err := c.seed(ctx, ch)
	if err != nil {
		return "", err
	}
	signed, err := dte.SignGetToken(seed, c.signer)
	if err != nil {
		return "", &Error{Verdict: Person, Code: "certificado", Message: "No se pudo firmar el inicio de sesión. Revise el certificado del firmante.", cause: err}
	}
	token, err := c.trade(ctx, ch, signed)
	if err != nil {
		return "", err
	}
	l.token, l.since = token, c.now()
	return token, nil
}

func (c *Client) seed(ctx context.Context, ch Channel) (string, error) {
	var answer reply
	var err error
	if ch == ChannelBoleta {
		answer, err = c.send(ctx, request{method: http.MethodGet, url: c.at.Boleta + "/boleta.electronica.semilla", accept: "application/xml"})
	} else {
		answer, err = c.soap(ctx, "/DTEWS/CrSeed.jws", "getSeed")
	}
	if err != nil {
		return "", notASession(err)
	}
	return readSession(answer.body, "SEMILLA")
}

func (c *Client) trade(ctx context.Context, ch Channel, signed []byte) (string, error) {
	var answer reply
	var err error
	if ch == ChannelBoleta {
		answer, err = c.send(ctx, request{
			method: http.MethodPost, url: c.at.Boleta + "/boleta.electronica.token",
			accept: "application/xml", contentType: "application/xml", body: signed,
		})
	} else {
		answer, err = c.soap(ctx, "/DTEWS/GetTokenFromSeed.jws", "getToken", "pszXml", string(signed))
	}
	if err != nil {
		return "", notASession(err)
	}
	return readSession(answer.body, "TOKEN")
}

// notASession keeps a 401 during the login from looking like a token that was refused.
func notASession(err error) error {
	if refused(err) {
		return person("401", "El SII no aceptó el inicio de sesión. Revise el certificado del firmante y sus permisos en sii.cl.")
	}
	return err
}

// sessionWord is what seeds and tokens are made of; anything else could break a header or a signature.
var sessionWord = regexp.MustCompile(`^[0-9A-Za-z+/=_.-]{1,500}$`)

// readSession reads the seed or the token of a RESPUESTA, in either order of its parts, with prefixes or without.
func readSession(body []byte, name string) (string, error) {
	fields, err := ReadFields(body)
	if err != nil {
		return "", unreadable(false, err)
	}
	estado, glosa := fields.Get("ESTADO"), clip(fields.First("GLOSA", "faultstring"))
	if value := fields.Get(name); strings.Trim(estado, "0") == "" && estado != "" && sessionWord.MatchString(value) {
		return value, nil
	}
	switch estado {
	case "":
		return "", unreadable(false, fmt.Errorf("respuesta sin ESTADO ni %s", name))
	case "01", "02", "03", "04", "05":
		return "", person(estado, "El SII rechazó la firma del inicio de sesión: "+glosa+" Revise el certificado del firmante.")
	case "10", "21":
		return "", later(estado, "El SII tuvo un error interno al iniciar la sesión. Se volverá a intentar.")
	}
	if strings.HasPrefix(estado, "-") || strings.Contains(strings.ToUpper(glosa), "SEMILLA") || strings.Trim(estado, "0") == "" {
		return "", later(estado, "El SII no abrió la sesión ("+estado+"). Se volverá a intentar.")
	}
	return "", person(estado, "El SII no abrió la sesión: "+glosa+" Revise el certificado del firmante y sus permisos en sii.cl.")
}
