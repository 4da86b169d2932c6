package sale

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// MailSecurity is how the conversation is encrypted. There is no account without.
type MailSecurity string

// STARTTLS is usual on port 587, TLS from the first byte on 465.
const (
	MailSTARTTLS MailSecurity = "starttls"
	MailTLS      MailSecurity = "tls"
)

// MailAccount is how a shop sends mail. It holds a password and is kept sealed.
type MailAccount struct {
	Host     string       `json:"servidor"`
	Port     int          `json:"puerto"`
	Security MailSecurity `json:"seguridad"`
	User     string       `json:"usuario,omitempty"` // empty: the server asks for none
	Password string       `json:"clave,omitempty"`
	From     string       `json:"desde"` // the address that buyers see, and answer to
	Name     string       `json:"nombre,omitempty"`
}

// Check says what is wrong with an account as it was written.
func (a MailAccount) Check() error {
	switch {
	case a.Host == "" || strings.ContainsFunc(a.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/@:", r) }) && !isAddress(a.Host):
		return fmt.Errorf("el servidor «%s» no se entiende. No se cambió nada; se escribe como smtp.empresa.cl", a.Host)
	case a.Port < 1 || a.Port > 65535:
		return fmt.Errorf("el puerto %d no existe. No se cambió nada; lo usual es 587 con STARTTLS y 465 con TLS", a.Port)
	case a.Security != MailSTARTTLS && a.Security != MailTLS:
		return fmt.Errorf("la seguridad «%s» no existe. No se cambió nada; use starttls o tls", a.Security)
	case a.User == "" && a.Password != "":
		return errors.New("hay clave pero no usuario. No se cambió nada")
	case strings.ContainsFunc(a.Name, unicode.IsControl):
		return errors.New("el nombre trae caracteres que no se escriben. No se cambió nada")
	}
	if _, err := ParseMailAddress(a.From); err != nil {
		return fmt.Errorf("la dirección desde la que se envía: %w", err)
	}
	return nil
}

// Domain is the part of the sender's address behind the @.
func (a MailAccount) Domain() string {
	_, domain, _ := strings.Cut(a.From, "@")
	return domain
}

// isAddress says whether the host is written as a number.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
