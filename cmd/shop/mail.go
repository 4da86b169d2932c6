package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"mostrador/dte"
	"mostrador/mail"
	"mostrador/sale"
)

// secretMail is the whole account, sealed in one piece, so that server and password never belong to different settings.
const secretMail = "correo"

// ErrNoMail: nobody has said how this shop sends mail.
var ErrNoMail = errors.New("falta la cuenta de correo. Nada se perdió; se anota en F11, Ajustes, Correo, o con «tillctl correo set»")

// MailAccount is the stored account as people may see it, without its password; zero if there is none.
func (s *Shop) MailAccount() (sale.MailAccount, error) {
	a, err := s.mailAccount()
	if errors.Is(err, ErrNoMail) {
		return sale.MailAccount{}, nil
	}
	a.Password = ""
	return a, err
}

func (s *Shop) mailAccount() (a sale.MailAccount, err error) {
	b, err := s.Store.Secret(secretMail)
	if errors.Is(err, sale.ErrNotFound) {
		return a, ErrNoMail
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	return a, err
}

// SetMailAccount seals the account and has what waits try it at once. Without a password that of before stays, if server and
// user are those of before.
func (s *Shop) SetMailAccount(a sale.MailAccount) error {
	old, err := s.mailAccount()
	if err != nil && !errors.Is(err, ErrNoMail) {
		return err
	}
	if a.Password == "" && a.Host == old.Host && a.User == old.User {
		a.Password = old.Password
	}
	if err := a.Check(); err != nil {
		return err
	}
	if err := s.mailAllowed(a); err != nil {
		return err
	}
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := s.Store.PutSecret(secretMail, b); err != nil {
		return err
	}
	s.wakeMails(true)
	return nil
}

// ClearMailAccount forgets it. What waits goes on waiting.
func (s *Shop) ClearMailAccount() error { return s.Store.DropSecret(secretMail) }

// mailAllowed: a practice shop's papers are worth nothing and must not reach anybody: its server is on this machine.
func (s *Shop) mailAllowed(a sale.MailAccount) error {
	if ip := net.ParseIP(a.Host); s.Info.Training() && (ip == nil || !ip.IsLoopback()) {
		return errors.New("la caja de práctica no envía correos a nadie. No se cambió nada")
	}
	return nil
}

func (s *Shop) sender() (mail.Sender, error) {
	a, err := s.mailAccount()
	if err == nil {
		err = s.mailAllowed(a)
	}
	return mail.Sender{Account: a, Roots: s.opt.MailRoots}, err
}

// TryMail sends a trial to the shop's own address and says what came of it.
func (s *Shop) TryMail(ctx context.Context) (string, error) {
	sender, err := s.sender()
	if err != nil {
		return "", err
	}
	at := s.opt.Now()
	err = sender.Send(ctx, mail.Letter{
		To: sender.From, Subject: "Prueba de correo de la caja " + s.Info.Caja, MessageID: fmt.Sprintf("prueba.%d@%s", at.UnixNano(), sender.Domain()), Date: at,
		Text: "La caja puede enviar correos. No hay que hacer nada.\n",
	})
	return fmt.Sprintf("El servidor %s aceptó el correo de prueba: revise que haya llegado a %s.", sender.Host, sender.From), err
}

// SendMail queues a letter with a document: it leaves by itself when there is a line. The answer is the letter that waits.
func (s *Shop) SendMail(key dte.Key, to, who string) (sale.Mail, error) {
	to, err := sale.ParseMailAddress(to)
	if err != nil {
		return sale.Mail{}, err
	}
	sender, err := s.sender()
	if err != nil {
		return sale.Mail{}, err
	}
	if err := s.mayReach(key); err != nil {
		return sale.Mail{}, err
	}
	at := s.opt.Now()
	m, err := s.Store.AddMail(sale.Mail{
		MessageID: fmt.Sprintf("%s-%s.%d@%s", key.ID(), key.Emisor, at.UnixNano(), sender.Domain()), Key: key, To: to, At: at, Who: who, Next: at,
	})
	s.wakeMails(false)
	return m, err
}

// RetryMail has a letter that stopped wait again.
func (s *Shop) RetryMail(id uint64) (sale.Mail, error) {
	m, err := s.Store.RetryMail(id, s.opt.Now())
	s.wakeMails(true)
	return m, err
}

// mayReach: a document that the SII rejected must not reach the customer.
func (s *Shop) mayReach(key dte.Key) error {
	state, _, err := s.Store.DocumentState(key)
	if err == nil && state == dte.Rejected {
		return fmt.Errorf("el SII rechazó %s: no se envía a nadie. Vea Avisos (F11, 2)", title(key))
	}
	return err
}

// sendLetter tries a letter once: what a mail.Loop does.
func (s *Shop) sendLetter(ctx context.Context, m sale.Mail) error {
	sender, err := s.sender()
	if err != nil {
		return &mail.SendError{Kind: mail.Setup, Words: err.Error(), Err: err}
	}
	l, err := s.letter(m)
	if err != nil {
		return err
	}
	return sender.Send(ctx, l)
}

// letter is a document as it is sent: the PDF, and for whoever keeps accounts the XML.
func (s *Shop) letter(m sale.Mail) (mail.Letter, error) {
	if err := s.mayReach(m.Key); err != nil {
		return mail.Letter{}, err
	}
	doc, record, err := s.document(m.Key)
	if err != nil {
		return mail.Letter{}, err
	}
	kind := sale.PDFCarta
	if m.Key.Tipo.EsBoleta() {
		kind = sale.PDFRollo
	}
	pdf, err := s.PDF(m.Key, kind)
	if err != nil {
		return mail.Letter{}, err
	}
	l := mail.Letter{
		To: m.To, MessageID: m.MessageID, Date: m.At.In(dte.Santiago), Subject: title(m.Key) + " de " + strings.Join(strings.Fields(s.Info.Emisor.RznSoc), " "),
		Text:  "Estimado cliente:\n\nSe adjunta su documento.\n\n" + sale.CopyText(s.Info, record) + "\n",
		Files: []mail.File{{Name: sale.PDFName(m.Key, sale.PDFCarta) + ".pdf", Type: "application/pdf", Bytes: pdf}},
	}
	if !exchanged(doc) {
		return l, nil
	}
	xml, err := dte.NewEnvelope([]*dte.Document{doc}, s.Info.Resolucion, doc.Receptor.RUT, s.signer, m.At)
	if err != nil {
		return l, err
	}
	l.Files = append(l.Files, mail.File{Name: "EnvioDTE-" + m.Key.ID() + ".xml", Type: "application/xml", Bytes: xml})
	return l, nil
}

// exchanged reports whether the law wants the buyer to get the XML: a factura or what goes with it, to a company of Chile. It
// goes in an envelope for him, signed as of the moment in which the letter was wanted: the same bytes at every try.
func exchanged(doc *dte.Document) bool {
	rut := doc.Receptor.RUT
	return !doc.Tipo.EsBoleta() && rut != dte.RUTAnonimo && rut != dte.RUTExtranjero
}

func (s *Shop) wakeMails(anew bool) {
	if loop := s.mails.Load(); loop != nil {
		loop.Wake(anew)
	}
}

func (s *Shop) mailed(m mail.Status) {
	s.tell(func(st *Status) { st.MailProblem = m.Problem })
	if s.opt.Mailed != nil && m.Mail.ID != 0 {
		s.opt.Mailed(m.Mail)
	}
}
