package sale

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"mostrador/dte"
)

// MailState is where a letter stands.
type MailState string

// The states. A letter leaves the first one once.
const (
	MailWaiting MailState = "espera"
	MailSent    MailState = "enviado"
	MailStopped MailState = "detenido" // a person must see to it; Problem says why
)

// Mail is a document on its way to somebody's address: what is wanted, and what became of it.
type Mail struct {
	ID uint64 `json:"id"` // unique and increasing within the till
	// MessageID is the same at every try: whoever gets the letter twice can tell.
	MessageID string    `json:"messageId"`
	Key       dte.Key   `json:"key"`
	To        string    `json:"to"`
	At        time.Time `json:"at"` // when it was wanted
	Who       string    `json:"who,omitempty"`
	State     MailState `json:"state"`
	// Attempts counts the tries that the server refused for now, Doubts those whose end nobody knows. A line that is down is
	// neither.
	Attempts int       `json:"attempts,omitempty"`
	Doubts   int       `json:"doubts,omitempty"`
	Next     time.Time `json:"next,omitzero"` // not before
	Problem  string    `json:"problem,omitempty"`
	Sent     time.Time `json:"sent,omitzero"`
}

// ErrAddress: this is no address that a letter can go to.
var ErrAddress = errors.New("no es una dirección de correo. No se envió nada; se escribe nombre@empresa.cl")

// ParseMailAddress takes one bare address as a person types it: no names, no lists, nothing that could end a header.
func ParseMailAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 254 || strings.ContainsFunc(text, unfit) || !validMail(text) {
		return "", fmt.Errorf("«%s» %w", shorten(text), ErrAddress)
	}
	return text, nil
}

// unfit are characters that old servers do not take in an address, or that mean something to them.
func unfit(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),:;<>[\]`, r) }

// Tried is the letter after a try: what it is does not change, only what became of it.
func (m Mail) Tried(after Mail) Mail {
	m.State, m.Attempts, m.Doubts, m.Next, m.Problem, m.Sent = after.State, after.Attempts, after.Doubts, after.Next, after.Problem, after.Sent
	return m
}

// Again is a letter that a person wants to be tried anew; one that left stays.
func (m Mail) Again(at time.Time) Mail {
	if m.State == MailStopped {
		m.State, m.Attempts, m.Doubts, m.Next, m.Problem = MailWaiting, 0, 0, at, ""
	}
	return m
}
