package mail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"mostrador/sale"
)

// Letter is what is sent.
type Letter struct {
	To, Subject, Text string
	MessageID         string // without its angle brackets
	Date              time.Time
	Files             []File
}

// File is an attachment.
type File struct {
	Name, Type string
	Bytes      []byte
}

// Sender sends letters from an account.
type Sender struct {
	Account
	// Roots are the authorities of the server's certificate; nil takes the system's.
	Roots *x509.CertPool
	// Patience is how long one try may take; 0 is two minutes.
	Patience time.Duration
}

const patience = 2 * time.Minute

// Send tries once. An error is a *SendError, and says what is to be done.
func (s Sender) Send(ctx context.Context, l Letter) error {
	m, err := s.compose(l)
	if err != nil {
		return &SendError{Kind: Refused, Words: "el correo no se pudo armar: " + err.Error(), Err: err}
	}
	return s.talk(ctx, m)
}

// compose makes the message: the same bytes for the same letter.
func (s Sender) compose(l Letter) (*gomail.Msg, error) {
	if err := errors.Join(s.Check(), l.check()); err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(boundary(l.MessageID)))
	err := errors.Join(m.FromFormat(s.Name, s.From), m.To(l.To))
	m.Subject(l.Subject)
	m.SetMessageIDWithValue(l.MessageID)
	m.SetDateWithValue(l.Date)
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	for _, f := range l.Files {
		err = errors.Join(err, m.AttachReader(f.Name, bytes.NewReader(f.Bytes), gomail.WithFileContentType(gomail.ContentType(f.Type))))
	}
	return m, err
}

// boundary parts a letter by its identity: the same at every try, of letters that need no quotes, and 70 at most.
func boundary(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "mostrador" + hex.EncodeToString(sum[:20])
}

// check refuses what could write headers of its own, whatever the library would do with it.
func (l Letter) check() error {
	if _, err := sale.ParseMailAddress(l.To); err != nil {
		return err
	}
	heads := []string{l.Subject, l.MessageID}
	for _, f := range l.Files {
		heads = append(heads, f.Name, f.Type)
	}
	for _, h := range heads {
		if strings.ContainsFunc(h, control) {
			return fmt.Errorf("«%s» trae caracteres que no se escriben", h)
		}
	}
	if l.MessageID == "" || strings.ContainsAny(l.MessageID, "<> ") {
		return fmt.Errorf("«%s» no identifica al mensaje", l.MessageID)
	}
	return nil
}

// talk is one conversation with the server.
func (s Sender) talk(ctx context.Context, m *gomail.Msg) error {
	limit := s.Patience
	if limit <= 0 {
		limit = patience
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client, err := s.client(ctx, limit)
	if err != nil {
		return &SendError{Kind: Setup, Words: "la cuenta de correo no se entiende: " + err.Error(), Err: err}
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return greeted(err)
	}
	defer func() { _ = client.CloseWithSMTPClient(conn) }() // the letter is out, or not: a farewell changes nothing
	return delivered(client.SendWithSMTPClient(conn, m), m.IsDelivered())
}

func (s Sender) client(ctx context.Context, limit time.Duration) (*gomail.Client, error) {
	secure := &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(limit), gomail.WithHELO("[127.0.0.1]"), gomail.WithTLSConfig(secure),
		gomail.WithDialContextFunc(func(dial context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(dial, network, address)
			if err != nil {
				return nil, err
			}
			context.AfterFunc(ctx, func() { conn.Close() }) // a program that ends waits for no server
			if s.Security == STARTTLS {
				return conn, nil
			}
			wrapped := tls.Client(conn, secure)
			return wrapped, wrapped.HandshakeContext(dial)
		}),
	}
	switch s.Security {
	case TLS:
		options = append(options, gomail.WithSSL())
	case STARTTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuthCustom(&login{account: s.Account}))
	}
	return gomail.NewClient(s.Host, options...)
}

// login takes the plain ways, which TLS covers: the clever ones fail at servers that offer them without meaning it.
type login struct {
	account Account
	way     smtp.Auth
}

var errNoLogin = errors.New("el servidor no ofrece entrar con usuario y clave (PLAIN o LOGIN)")

// Start implements smtp.Auth.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	a := l.account
	for _, way := range server.Auth {
		switch strings.ToUpper(way) {
		case "PLAIN":
			l.way = smtp.PlainAuth("", a.User, a.Password, a.Host, false)
			return l.way.Start(server)
		case "LOGIN":
			l.way = smtp.LoginAuth(a.User, a.Password, a.Host, false)
		}
	}
	if l.way == nil {
		return "", nil, errNoLogin
	}
	return l.way.Start(server)
}

// Next implements smtp.Auth.
func (l *login) Next(fromServer []byte, more bool) ([]byte, error) {
	return l.way.Next(fromServer, more)
}

// answer is what the server said in so many words; nil if it said nothing.
func answer(err error) *textproto.Error {
	var said *textproto.Error
	if errors.As(err, &said) {
		return said
	}
	var send *gomail.SendError
	if errors.As(err, &send) && send.ErrorCode() != 0 {
		return &textproto.Error{Code: send.ErrorCode(), Msg: saidIn(send.Error())}
	}
	return nil
}

// saidIn cuts the server's words out of the library's.
func saidIn(words string) string {
	_, words, _ = strings.Cut(words, ": ")
	words, _, _ = strings.Cut(words, ", affected recipient")
	words, _, _ = strings.Cut(words, ", affected message")
	if len(words) > 4 && words[3] == ' ' {
		words = words[4:]
	}
	if plain, err := strconv.Unquote(words); err == nil {
		return plain
	}
	return words
}
