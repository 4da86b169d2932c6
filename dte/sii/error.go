package sii

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"time"
)

// Verdict is what an answer means for whoever asked. Every answer of the authority, and every silence, is exactly one.
type Verdict string

// The four verdicts. Done and Already come as results; an Error is Later or Person, and Already only where the authority
// said "already sent" without telling under which track id.
const (
	Done    Verdict = "done"
	Already Verdict = "already"
	Later   Verdict = "later"
	Person  Verdict = "person"
)

// VerdictOf reads the verdict of any error of this package; no error is Done, a foreign error needs a person.
func VerdictOf(err error) Verdict {
	if err == nil {
		return Done
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Verdict
	}
	return Person
}

// Error is the only kind of error that the client returns.
type Error struct {
	Verdict Verdict
	// Down: the line, not the authority, failed. Such a failure counts no attempt.
	Down bool
	// MaybeReceived: an upload ended without a clear answer and bytes may have left. Ask before sending again.
	MaybeReceived bool
	// Fault: an upload that the authority refused for good; empty for any other trouble.
	Fault Fault
	// Code is the authority's ("5", "106", "-1", "401") or one of ours: "red", "plazo", "tls", "portal", "proxy",
	// "respuesta", "certificado", "dato".
	Code string
	// Message says in Spanish what happened, what is safe and what to do.
	Message string
	// RetryAfter is how long the authority wants to be left alone; 0 when it did not say.
	RetryAfter time.Duration

	cause error
	auth  bool // the token was refused; a new one may help
}

// Fault is what an envelope was refused for as a whole. None of its documents was received, and the same bytes never
// will be.
type Fault string

const (
	// FaultContent: its form, size or consistency. That may be the doing of one document: without it the others pass.
	FaultContent Fault = "content"
	// FaultSender: its signature, its carátula or a permission. No other grouping helps; once someone has mended the
	// certificate, the data of the company or the permission, the same documents pass in an envelope made anew.
	FaultSender Fault = "sender"
)

func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + " (" + e.cause.Error() + ")"
}

// Unwrap is the technical cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

func refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.auth
}

func person(code, message string) *Error {
	return &Error{Verdict: Person, Code: code, Message: message}
}

func later(code, message string) *Error { return &Error{Verdict: Later, Code: code, Message: message} }

// unreadable is an answer that nobody can interpret: after an upload, nobody knows whether it arrived.
func unreadable(upload bool, cause error) *Error {
	e := later("respuesta", "El SII respondió algo que no se entiende. Nada se pierde; se volverá a preguntar.")
	e.MaybeReceived, e.cause = upload, cause
	return e
}

// errProxyAuth is a proxy that opens no way to the authority without a password.
var errProxyAuth = errors.New("proxy authentication required")

func proxyError(cause error) *Error {
	e := later("proxy", "El proxy de la red pide usuario y contraseña, y no dejó pasar la consulta al SII. "+
		"Puede seguir vendiendo; corrija el proxy en la configuración.")
	e.Down, e.cause = true, cause
	return e
}

// proxyRefusedError is a proxy that opens no way to the authority, for a reason other than a password.
type proxyRefusedError struct{ status string }

func (p proxyRefusedError) Error() string { return "proxy: " + p.status }

// proxyTrouble is a proxy that cannot be reached, or that closes the way; nil for any other cause. Either way nothing left
// for the authority, so nobody's document is at fault: it is the line that is down, and no attempt is counted. The message
// names the proxy, because waiting does not mend it.
func proxyTrouble(cause error) *Error {
	dial, dialled := errors.AsType[*net.OpError](cause)
	closed, refused := errors.AsType[proxyRefusedError](cause)
	message := ""
	switch {
	case refused:
		message = "El proxy de la red no deja pasar al SII (" + clip(closed.status) + "). Puede seguir vendiendo; pida a quien lo administra que permita sii.cl."
	case dialled && dial.Op == "proxyconnect", dialled && dial.Op == "socks connect":
		message = "No responde el proxy de la red, y sin él no se llega al SII. Puede seguir vendiendo; revise el proxy o su dirección en la configuración."
	default:
		return nil
	}
	e := later("proxy", message)
	e.Down, e.cause = true, cause
	return e
}

// lineError is a request without an answer.
func lineError(cause error, maybe bool) *Error {
	if errors.Is(cause, errProxyAuth) {
		return proxyError(cause)
	}
	if e := proxyTrouble(cause); e != nil {
		return e
	}
	e := later("red", "No hay conexión con el SII. Puede seguir vendiendo; lo pendiente se enviará solo.")
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(cause, &certificate):
		e.Code = "tls"
		e.Message = "Lo que respondió no es el SII: su certificado no es válido. No se envió nada. " +
			"Revise la fecha y hora del equipo y si el wifi pide iniciar sesión."
	case errors.Is(cause, context.DeadlineExceeded):
		e.Code = "plazo"
		e.Message = "El SII no respondió a tiempo. Puede seguir vendiendo; se volverá a intentar."
	case maybe:
		e.Message = "Se cortó la conexión con el SII durante el envío."
	}
	if maybe {
		e.Message += " No se sabe si el envío llegó: se preguntará al SII antes de reenviar."
	}
	e.Down, e.MaybeReceived, e.cause = true, maybe, cause
	return e
}

// portalError is an answer by somebody who is not the authority: a captive portal, a proxy. It may also stand between us
// and an authority that did receive, so an upload is to be asked for.
func portalError(upload bool, text string) *Error {
	e := later("portal", "Respondió una página web que no es del SII; quizás el wifi pide iniciar sesión. "+
		"Puede seguir vendiendo; revise la conexión.")
	e.Down, e.MaybeReceived = true, upload
	if text != "" {
		e.cause = errors.New(clip(text))
	}
	return e
}

func unauthenticated(code string) *Error {
	e := later(code, "El SII no reconoció la sesión. Nada se envió; se volverá a intentar con una sesión nueva.")
	e.auth = true
	return e
}

// uploadFaults are the STATUS that no repetition of the same bytes can mend.
var uploadFaults = map[string]Fault{
	"1": FaultSender, "2": FaultContent, "6": FaultSender, "7": FaultContent, "8": FaultSender,
}

// uploadStatus is a STATUS of RECEPCIONDTE other than 0 and 99: nothing was received.
func uploadStatus(status, detail string) *Error {
	e := func(v Verdict, message string) *Error {
		if detail != "" {
			message += " Detalle del SII: " + clip(detail)
		}
		return &Error{Verdict: v, Fault: uploadFaults[status], Code: status, Message: message}
	}
	switch status {
	case "1":
		return e(Person, "El SII no permite a este firmante enviar por la empresa. Autorícelo en sii.cl, en usuarios de la empresa.")
	case "2":
		return e(Person, "El SII rechazó el tamaño del envío. Los documentos siguen guardados; avise a soporte.")
	case "3":
		return e(Later, "El envío llegó cortado al SII. Se volverá a enviar.")
	case "5":
		return unauthenticated(status)
	case "6":
		return e(Person, "El SII no autoriza a la empresa a enviar documentos. Revise su inscripción en sii.cl.")
	case "7":
		return e(Person, "El SII dice que el envío no cumple el formato. Los documentos siguen guardados; avise a soporte.")
	case "8":
		return e(Person, "El SII rechazó la firma del envío. Revise el certificado del firmante.")
	case "9":
		return e(Later, "El sistema del SII está bloqueado. Se volverá a intentar.")
	}
	if n, err := strconv.Atoi(status); err != nil || n < 0 {
		return unreadable(true, errors.New("STATUS "+clip(status)))
	}
	unknown := e(Later, "El SII respondió un código desconocido ("+clip(status)+"). Se preguntará antes de reenviar.")
	unknown.MaybeReceived = true
	return unknown
}
