package mail

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Kind is what a failed try asks for.
type Kind int

// The kinds. Together with success, and with Known, these are the four verdicts: done, already, later, a person.
const (
	Line    Kind = iota // the line or the server is down: later, and no attempt is counted
	Later               // the server refuses this letter for now: later
	Doubt               // cut after the letter was handed over: nobody knows, so it is tried again, not often
	Known               // the server has this letter already
	Refused             // the server refuses this letter: a person must see to it
	Setup               // the account is refused, or not safe: a person must see to it, and no letter is at fault
)

// SendError is why a letter did not leave. Words tell it in Spanish, with what the server said as it said it.
type SendError struct {
	Kind  Kind
	Words string
	Err   error
}

func (f *SendError) Error() string { return f.Words }
func (f *SendError) Unwrap() error { return f.Err }

// greeted judges what went wrong before a letter was handed over.
func greeted(err error) *SendError {
	said := answer(err)
	switch {
	case said != nil && said.Code/100 == 4:
		return &SendError{Line, "el servidor de correo pide esperar: " + quoted(said) + ". Se intentará de nuevo solo", err}
	case said != nil && said.Code/10 == 53 && said.Code != 530:
		return &SendError{Setup, "el servidor de correo no aceptó el usuario o la clave: " + quoted(said) + ". Nada se perdió; corrija la cuenta en Ajustes", err}
	case said != nil:
		return &SendError{Setup, "el servidor de correo no deja entrar: " + quoted(said) + ". Nada se perdió; revise la cuenta en Ajustes", err}
	case errors.Is(err, errNoLogin):
		return &SendError{Setup, errNoLogin.Error() + ". Nada se perdió; revise la cuenta en Ajustes", err}
	case strings.Contains(err.Error(), "STARTTLS"):
		return &SendError{Setup, "el servidor no ofrece STARTTLS, y sin cifrar no se entrega la clave. Nada se perdió; pruebe con TLS, puerto 465", err}
	case insecure(err):
		return &SendError{Setup, "la conexión cifrada no es segura (" + err.Error() + "). No se entregó la clave; revise el servidor y el puerto en Ajustes", err}
	}
	return &SendError{Line, "no hay conexión con el servidor de correo (" + err.Error() + "). Sale solo cuando vuelva", err}
}

// insecure: the server is there, but not the one it should be, or it speaks no TLS on this port.
func insecure(err error) bool {
	var wrong *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var alert tls.AlertError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &wrong) || errors.As(err, &plain) || errors.As(err, &alert) || errors.As(err, &host) || errors.As(err, &unknown)
}

// delivered judges the end of a try. What the server said after it had taken the letter changes nothing.
func delivered(err error, taken bool) error {
	if err == nil || taken {
		return nil
	}
	said := answer(err)
	var send *gomail.SendError
	last := errors.As(err, &send) && send.Reason == gomail.ErrSMTPDataClose
	switch {
	case said == nil && last:
		return &SendError{Doubt, "la línea se cortó después de entregar el correo: puede que haya llegado", err}
	case said == nil:
		return &SendError{Line, "la línea se cortó (" + err.Error() + "). Sale solo cuando vuelva", err}
	case said.Code/100 == 4:
		return &SendError{Later, "el servidor no lo toma por ahora: " + quoted(said), err}
	case last && strings.Contains(strings.ToLower(said.Msg), "duplicate"):
		return &SendError{Known, "el servidor ya lo tenía: " + quoted(said), err}
	case send != nil && send.Reason == gomail.ErrSMTPMailFrom:
		return &SendError{Setup, "el servidor no deja enviar desde esa dirección: " + quoted(said) + ". Nada se perdió; revise la cuenta en Ajustes", err}
	}
	return &SendError{Refused, "el servidor no lo acepta: " + quoted(said), err}
}

// quoted is the server's answer as it came.
func quoted(said *textproto.Error) string {
	return fmt.Sprintf("«%d %s»", said.Code, strings.Join(strings.FieldsFunc(said.Msg, control), " "))
}
