package shop

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/mail"
	"mostrador/mail/mailtest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// mailing is a practice shop with an account at a real server on this machine, and what became of its letters.
func mailing(t *testing.T) (*Shop, *mailtest.Server, chan sale.Mail) {
	t.Helper()
	server := mailtest.Start(t, mail.STARTTLS)
	o := practice(t)
	tried := make(chan sale.Mail, 100)
	o.MailRoots = server.Sender().Roots
	o.Mailed = func(m sale.Mail) { tried <- m }
	s := opened(t, o)
	must(t, s.SetMailAccount(server.Sender().Account))
	return s, server, tried
}

// invoice issues a factura to a customer who is known.
func invoice(t *testing.T, s *Shop) sale.Record {
	t.Helper()
	deps, err := s.Deps()
	must(t, err)
	counter, err := sale.NewRegister(deps)
	must(t, err)
	_, err = counter.Add(counter.Favourites()[0], money.Units(3))
	must(t, err)
	must(t, counter.Choose(sale.Choice{Tipo: dte.Factura, Receptor: saletest.Buyer().Receptor()}))
	must(t, errors.Join(counter.Charge(), counter.Tender(sale.Efectivo, 0, "")))
	r, err := counter.Issue()
	must(t, err)
	return r
}

// attachments are the files of a letter by name, after its text under "".
func attachments(t *testing.T, message []byte) map[string][]byte {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(message))
	must(t, err)
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	must(t, err)
	files := map[string][]byte{}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return files
		}
		must(t, err)
		body := io.Reader(p)
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, p)
		}
		files[p.FileName()], err = io.ReadAll(body)
		must(t, err)
	}
}

func waitFor(t *testing.T, tried chan sale.Mail, state sale.MailState) sale.Mail {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case m := <-tried:
			if m.State == state {
				return m
			}
		case <-limit:
			t.Fatalf("no letter is %s", state)
		}
	}
}

// A factura goes as PDF and, as the law wants it between companies, as XML in an envelope for its buyer, which verifies; a
// boleta goes as PDF alone. The document says to whom it was sent.
func TestDocumentsAreMailed(t *testing.T) {
	s, server, tried := mailing(t)
	factura := invoice(t, s)
	boleta, err := sell(s)
	must(t, err)
	must(t, s.Start())
	_, err = s.SendMail(factura.Key, " compras@empresa.cl ", "Rosa")
	must(t, err)
	waitFor(t, tried, sale.MailSent)
	_, err = s.SendMail(boleta.Key, "ana@x.cl", "Rosa")
	must(t, err)
	waitFor(t, tried, sale.MailSent)
	got := server.Letters()
	if len(got) != 2 || got[0].To != "compras@empresa.cl" || got[1].To != "ana@x.cl" {
		t.Fatalf("%v", got)
	}
	files := attachments(t, got[0].Bytes)
	envelope, err := dte.VerifyEnvelope(files["EnvioDTE-"+factura.Key.ID()+".xml"], s.Trust())
	must(t, err)
	stored, _, err := s.Store.Document(factura.Key)
	must(t, err)
	if envelope.Receptor != factura.Receptor.RUT || len(envelope.Faults) > 0 || len(envelope.Documents) != 1 || !bytes.Equal(envelope.Documents[0].XML, stored) {
		t.Errorf("the envelope %+v", envelope)
	}
	letter, err := s.PDF(factura.Key, sale.PDFCarta)
	must(t, err)
	if !bytes.Equal(files["factura-33-"+factura.Key.Folio.String()+".pdf"], letter) || len(files) != 3 {
		t.Errorf("files %d", len(files))
	}
	if text := string(files[""]); !strings.Contains(text, "CAPACITACI") {
		t.Errorf("practice passes for real: %q", text)
	}
	if files = attachments(t, got[1].Bytes); len(files) != 2 || !bytes.HasPrefix(files["boleta-39-"+boleta.Key.Folio.String()+".pdf"], []byte("%PDF-")) {
		t.Errorf("a boleta brings %d files", len(files))
	}
	list, err := s.Documents(sale.DocumentQuery{Folio: factura.Key.Folio, Tipo: dte.Factura})
	must(t, err)
	if m := list[0].Mails; len(m) != 1 || m[0].To != "compras@empresa.cl" || m[0].State != sale.MailSent || m[0].Who != "Rosa" || m[0].Sent.IsZero() {
		t.Errorf("%+v", m)
	}
}

// A letter outlives the program: it was wanted while nobody listened, and leaves another day as it was.
func TestALetterOutlivesTheProgram(t *testing.T) {
	s, server, tried := mailing(t)
	r, err := sell(s)
	must(t, err)
	address := server.Address()
	server.Stop()
	must(t, s.Start())
	wanted, err := s.SendMail(r.Key, "ana@x.cl", "")
	must(t, err)
	if m := waitFor(t, tried, sale.MailWaiting); m.Attempts != 0 || m.Problem == "" {
		t.Errorf("%+v", m)
	}
	if _, err := sell(s); err != nil { // no letter keeps from selling
		t.Error(err)
	}
	o := s.opt
	must(t, s.Close())
	server.Listen(address)
	s = opened(t, o)
	must(t, s.Start())
	if m := waitFor(t, tried, sale.MailSent); m.MessageID != wanted.MessageID {
		t.Errorf("%+v", m)
	}
	if got := server.Letters(); len(got) != 1 || !bytes.Contains(got[0].Bytes, []byte("<"+wanted.MessageID+">")) {
		t.Errorf("%v", got)
	}
}

// The password is sealed, is shown to nobody, and never goes to another server than it was written for.
func TestTheMailPassword(t *testing.T) {
	s, server, _ := mailing(t)
	shown, err := s.MailAccount()
	must(t, err)
	if shown.Password != "" || shown.User != mailtest.User {
		t.Errorf("shown %+v", shown)
	}
	file, err := os.ReadFile(s.opt.Path())
	must(t, err)
	if bytes.Contains(file, []byte(mailtest.Password)) {
		t.Error("the password stands in the file")
	}
	shown.Name = "Otra tienda"
	must(t, s.SetMailAccount(shown))
	if a, err := s.mailAccount(); err != nil || a.Password != mailtest.Password || a.Name != "Otra tienda" {
		t.Errorf("a change without password loses it: %v", err)
	}
	shown.Host = "127.0.0.2"
	must(t, s.SetMailAccount(shown))
	if a, err := s.mailAccount(); err != nil || a.Password != "" {
		t.Errorf("another server gets the password: %v", err)
	}
	must(t, s.SetMailAccount(server.Sender().Account))
	must(t, s.ClearMailAccount())
	if a, err := s.MailAccount(); err != nil || a != (sale.MailAccount{}) {
		t.Errorf("forgotten: %+v %v", a, err)
	}
}

// What is tried is told as the server told it.
func TestTheTrialSaysWhatTheServerSaid(t *testing.T) {
	s, server, _ := mailing(t)
	words, err := s.TryMail(t.Context())
	if err != nil || !strings.Contains(words, mailtest.User) || len(server.Letters()) != 1 {
		t.Errorf("%q %v", words, err)
	}
	a := server.Sender().Account
	a.Password = "dos gatos"
	must(t, s.SetMailAccount(a))
	if _, err := s.TryMail(t.Context()); err == nil || !strings.Contains(err.Error(), "«535 5.7.8 Error: authentication failed»") {
		t.Errorf("%v", err)
	}
}

// Nothing leaves a practice shop for anybody, nothing leaves without an account, and no rejected document reaches a customer.
func TestWhatIsNotMailed(t *testing.T) {
	s, server, _ := mailing(t)
	r, err := sell(s)
	must(t, err)
	a := server.Sender().Account
	a.Host = "smtp.empresa.cl"
	if err := s.SetMailAccount(a); err == nil || !strings.Contains(err.Error(), "práctica") {
		t.Errorf("a practice shop writes to the world: %v", err)
	}
	if _, err := s.SendMail(r.Key, "ana@x.cl\r\nBcc: otro@x.cl", ""); !errors.Is(err, sale.ErrAddress) {
		t.Errorf("an address with a header: %v", err)
	}
	waiting, err := s.SendMail(r.Key, "ana@x.cl", "")
	must(t, err)
	sobre, err := s.Store.NewSobre(dte.Sobre{Boletas: true, Keys: []dte.Key{r.Key}, XML: []byte("x"), CreatedAt: now()})
	must(t, err)
	for _, sobre.State = range []dte.State{dte.Sending, dte.Sent} {
		must(t, s.Store.UpdateSobre(sobre))
	}
	must(t, s.Store.Settle(sobre.ID, []dte.Veredicto{{Key: r.Key, State: dte.Rejected, Codigo: "DTE-3-601", At: now()}}))
	if _, err := s.SendMail(r.Key, "luis@x.cl", ""); err == nil || !strings.Contains(err.Error(), "rechazó") {
		t.Errorf("a rejected document: %v", err)
	}
	if err := s.sendLetter(context.Background(), waiting); err == nil || !strings.Contains(err.Error(), "rechazó") {
		t.Errorf("one that was rejected while its letter waited: %v", err)
	}
	must(t, s.ClearMailAccount())
	if _, err := s.SendMail(r.Key, "luis@x.cl", ""); !errors.Is(err, ErrNoMail) {
		t.Errorf("without an account: %v", err)
	}
	if len(server.Letters()) > 0 {
		t.Errorf("%v", server.Letters())
	}
}
