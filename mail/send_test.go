package mail_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"mostrador/mail"
	"mostrador/mail/mailtest"
	"mostrador/sale"
)

func letter() mail.Letter {
	return mail.Letter{
		To: "cliente@empresa.cl", Subject: "Boleta Electrónica N° 1204 de Ñandú & Cía", Text: "Señora:\n.una línea con punto\n.\nadiós\n",
		MessageID: "T39F1204-76543210-3.1@tienda.cl", Date: time.Date(2026, 3, 16, 12, 30, 0, 0, time.UTC),
		Files: []mail.File{
			{Name: "boleta-39-1204.pdf", Type: "application/pdf", Bytes: bytes.Repeat([]byte("%PDF\x00\r\n.\r\n\xff"), 2000)},
			{Name: "EnvioDTE.xml", Type: "application/xml", Bytes: []byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a>\xd1</a>")},
		},
	}
}

// kind is what a try asks for; -1: it succeeded.
func kind(t *testing.T, err error) mail.Kind {
	t.Helper()
	var f *mail.SendError
	switch {
	case err == nil:
		return -1
	case !errors.As(err, &f):
		t.Fatalf("%v is no SendError", err)
	}
	return f.Kind
}

// A letter arrives whole, by both kinds of TLS and both ways to enter; twice it is the same bytes.
func TestALetterArrives(t *testing.T) {
	for _, security := range []mail.Security{mail.STARTTLS, mail.TLS} {
		for _, loginOnly := range []bool{false, true} {
			s := mailtest.Start(t, security)
			s.Script(func(s *mailtest.Server) { s.LoginOnly = loginOnly })
			for range 2 {
				if err := s.Sender().Send(t.Context(), letter()); err != nil {
					t.Fatalf("%s: %v", security, err)
				}
			}
			got := s.Letters()
			if len(got) != 2 || !bytes.Equal(got[0].Bytes, got[1].Bytes) {
				t.Fatalf("%s: %v", security, got)
			}
			if got[0].From != mailtest.User || got[0].To != letter().To {
				t.Errorf("it went %s", got[0])
			}
			whole(t, got[0].Bytes, letter())
		}
	}
}

// whole reads a message with the standard library and compares it with what was sent.
func whole(t *testing.T, message []byte, l mail.Letter) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != l.Subject || m.Header.Get("Message-Id") != "<"+l.MessageID+">" {
		t.Errorf("%q %q %v", subject, m.Header.Get("Message-Id"), err)
	}
	if at, err := m.Header.Date(); err != nil || !at.Equal(l.Date) {
		t.Errorf("dated %v %v", at, err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	text, err := parts.NextPart() // quoted-printable is undone by the reader
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(text)
	if got := strings.ReplaceAll(string(body), "\r\n", "\n"); err != nil || strings.TrimRight(got, "\n") != strings.TrimRight(l.Text, "\n") {
		t.Errorf("the text is %q (%v)", got, err)
	}
	for _, f := range l.Files {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil || p.FileName() != f.Name || !strings.HasPrefix(p.Header.Get("Content-Type"), f.Type) || !bytes.Equal(b, f.Bytes) {
			t.Errorf("%s (%s), %d bytes, %v", p.FileName(), p.Header.Get("Content-Type"), len(b), err)
		}
	}
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		t.Error("there is more than was sent")
	}
}

// Nothing that somebody types, or that a product or a business is called, writes a header or a command of its own.
func TestNothingWritesHeaders(t *testing.T) {
	const evil = "\r\nBcc: otro@malo.cl\r\n\r\nhola"
	s := mailtest.Start(t, mail.STARTTLS)
	for name, change := range map[string]func(*mail.Sender, *mail.Letter){
		"address":           func(_ *mail.Sender, l *mail.Letter) { l.To = "a@x.cl" + evil },
		"address, command":  func(_ *mail.Sender, l *mail.Letter) { l.To = "a@x.cl>\r\nRCPT TO:<otro@malo.cl" },
		"two addresses":     func(_ *mail.Sender, l *mail.Letter) { l.To = "a@x.cl, otro@malo.cl" },
		"address with name": func(_ *mail.Sender, l *mail.Letter) { l.To = "Ana <a@x.cl>" },
		"subject":           func(_ *mail.Sender, l *mail.Letter) { l.Subject += evil },
		"bare LF":           func(_ *mail.Sender, l *mail.Letter) { l.Subject += "\nBcc: otro@malo.cl" },
		"bare CR":           func(_ *mail.Sender, l *mail.Letter) { l.Subject += "\rBcc: otro@malo.cl" },
		"identity":          func(_ *mail.Sender, l *mail.Letter) { l.MessageID += ">" + evil },
		"file":              func(_ *mail.Sender, l *mail.Letter) { l.Files[0].Name = "a.pdf\"" + evil },
		"type":              func(_ *mail.Sender, l *mail.Letter) { l.Files[0].Type = "application/pdf" + evil },
		"sender's name":     func(s *mail.Sender, _ *mail.Letter) { s.Name += evil },
		"sender":            func(s *mail.Sender, _ *mail.Letter) { s.From += evil },
	} {
		sender, l := s.Sender(), letter()
		change(&sender, &l)
		if k := kind(t, sender.Send(t.Context(), l)); k != mail.Refused {
			t.Errorf("%s: kind %d", name, k)
		}
	}
	if got := s.Letters(); len(got) != 0 {
		t.Errorf("letters %v", got)
	}
	for _, text := range []string{"a@x.cl", "maria.perez+facturas@sub.empresa.cl", "a_b@x-y.cl"} {
		if got, err := sale.ParseMailAddress(" " + text + " "); got != text || err != nil {
			t.Errorf("%q is refused: %v", text, err)
		}
	}
	for _, text := range []string{"", "a", "a@", "@x.cl", "a@x", "a b@x.cl", "ñ@x.cl", `"a b"@x.cl`, "a@[127.0.0.1]", "a@x.cl\x00", "a@x.cl,b@x.cl", strings.Repeat("a", 250) + "@x.cl"} {
		if got, err := sale.ParseMailAddress(text); !errors.Is(err, sale.ErrAddress) {
			t.Errorf("%q is an address: %q", text, got)
		}
	}
}

// What a server may answer, and what it means; what it said is told as it said it.
func TestWhatAnswersMean(t *testing.T) {
	for _, c := range []struct {
		verb, answer string
		want         mail.Kind
	}{
		{"HELLO", "421 4.3.2 too busy", mail.Line},
		{"HELLO", "554 5.7.1 your address is blocked", mail.Setup},
		{"STARTTLS", "454 4.7.0 TLS not available", mail.Line},
		{"AUTH", "535 5.7.8 Username and Password not accepted", mail.Setup},
		{"AUTH", "454 4.7.0 Temporary authentication failure", mail.Line},
		{"MAIL", "553 5.7.1 sender not owned by user", mail.Setup},
		{"MAIL", "451 4.3.0 try later", mail.Later},
		{"RCPT", "550 5.1.1 no such user here", mail.Refused},
		{"RCPT", "450 4.2.1 greylisted", mail.Later},
		{"DATA", "452 4.3.1 insufficient storage", mail.Later},
		{"DATA", "554 5.5.1 no valid recipients", mail.Refused},
		{".", "552 5.3.4 message too large", mail.Refused},
		{".", "451 4.7.1 scanner is busy", mail.Later},
		{".", "554 5.6.0 Duplicate message", mail.Known},
	} {
		s := mailtest.Start(t, mail.STARTTLS)
		s.Answer(c.verb, c.answer)
		err := s.Sender().Send(t.Context(), letter())
		if k := kind(t, err); k != c.want {
			t.Errorf("%s %q: kind %d, want %d (%v)", c.verb, c.answer, k, c.want, err)
		} else if k >= 0 && !strings.Contains(err.Error(), "«"+c.answer+"»") {
			t.Errorf("%s: what was said is not told: %v", c.answer, err)
		}
		if len(s.Letters()) != 0 {
			t.Errorf("%s: it has a letter", c.answer)
		}
	}
	s := mailtest.Start(t, mail.TLS)
	sender := s.Sender()
	sender.Password = "dos gatos"
	err := sender.Send(t.Context(), letter())
	if kind(t, err) != mail.Setup || !strings.Contains(err.Error(), "no aceptó el usuario o la clave: «535 5.7.8 Error: authentication failed»") {
		t.Errorf("a wrong password: %v", err)
	}
}

// Wherever the line is cut before the end, nothing arrived; after the end, nobody knows.
func TestTheLineIsCut(t *testing.T) {
	for _, n := range []int{1, 10, 500, 4096, 20_000, 30_000} {
		s := mailtest.Start(t, mail.STARTTLS)
		s.Script(func(s *mailtest.Server) { s.CutIn = n })
		if k := kind(t, s.Sender().Send(t.Context(), letter())); k != mail.Line && k != mail.Doubt || len(s.Letters()) > 0 {
			t.Errorf("cut after %d bytes: kind %d", n, k)
		}
	}
	s := mailtest.Start(t, mail.TLS)
	s.Script(func(s *mailtest.Server) { s.CutAfter = true })
	if k := kind(t, s.Sender().Send(t.Context(), letter())); k != mail.Doubt || len(s.Letters()) != 1 {
		t.Errorf("cut after the end: kind %d", k)
	}
	sender := s.Sender()
	s.Stop()
	if k := kind(t, sender.Send(t.Context(), letter())); k != mail.Line {
		t.Errorf("nobody listens: kind %d", k)
	}
	sender.Host = "no-existe.invalid"
	if k := kind(t, sender.Send(t.Context(), letter())); k != mail.Line {
		t.Errorf("a name that nobody knows: kind %d", k)
	}
}

// User and password never leave for a server that offers no TLS, or that is not the one it says to be.
func TestNoPasswordLeavesInTheOpen(t *testing.T) {
	for name, c := range map[string]struct {
		security mail.Security
		change   func(*mailtest.Server, *mail.Sender)
	}{
		"no STARTTLS":              {mail.STARTTLS, func(s *mailtest.Server, _ *mail.Sender) { s.Script(func(s *mailtest.Server) { s.Plain = true }) }},
		"unknown certificate":      {mail.STARTTLS, func(_ *mailtest.Server, s *mail.Sender) { s.Roots = nil }},
		"unknown certificate, TLS": {mail.TLS, func(_ *mailtest.Server, s *mail.Sender) { s.Roots = nil }},
		"another's name":           {mail.TLS, func(_ *mailtest.Server, s *mail.Sender) { s.Host = "localhost" }},
		"TLS where none is":        {mail.STARTTLS, func(_ *mailtest.Server, s *mail.Sender) { s.Security = mail.TLS }},
	} {
		s := mailtest.Start(t, c.security)
		sender := s.Sender()
		c.change(s, &sender)
		err := sender.Send(t.Context(), letter())
		if kind(t, err) != mail.Setup || slices.Contains(s.Commands(), "AUTH") || slices.Contains(s.Commands(), "MAIL") {
			t.Errorf("%s: %v, after %v", name, err, s.Commands())
		}
	}
}

func TestAnAccountIsChecked(t *testing.T) {
	good := mail.Account{Host: "smtp.empresa.cl", Port: 587, Security: mail.STARTTLS, User: "u", Password: "p", From: "caja@empresa.cl", Name: "Ñandú"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*mail.Account){
		"no host": func(a *mail.Account) { a.Host = "" }, "host with port": func(a *mail.Account) { a.Host = "smtp.x.cl:25" },
		"host with a line": func(a *mail.Account) { a.Host = "smtp\r\n.x.cl" }, "port": func(a *mail.Account) { a.Port = 0 },
		"no TLS": func(a *mail.Account) { a.Security = "ninguna" }, "password alone": func(a *mail.Account) { a.User = "" },
		"from": func(a *mail.Account) { a.From = "caja" }, "name": func(a *mail.Account) { a.Name = "a\nb" },
	} {
		a := good
		if change(&a); a.Check() == nil {
			t.Errorf("%s is accepted: %+v", name, a)
		}
	}
}
