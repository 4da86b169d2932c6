package ui

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"mostrador/dte"
	"mostrador/sale"
)

// Mails send documents to buyers: they wait in a queue and leave by themselves.
type Mails interface {
	SendMail(key dte.Key, to, who string) (sale.Mail, error)
	// MailAccount never tells the password; one without a server is none. SetMailAccount without a password keeps the old one.
	MailAccount() (sale.MailAccount, error)
	SetMailAccount(a sale.MailAccount) error
	// TryMail sends a trial to the shop itself and tells what came of it.
	TryMail(ctx context.Context) (string, error)
}

// openMail asks for the address; the buyer's own is there already.
func (w *Window) openMail(r sale.Record) {
	doc := strings.ToLower(docName(r.Key.Tipo)) + " " + docNumber(r.Key)
	w.openDialog(newFormDialog(w, "Enviar "+doc+" por correo", "Va el PDF, y con las facturas el XML. Sale solo cuando haya línea; puede seguir vendiendo.", "Enviar",
		[]formField{{"Correo del cliente", w.addressOf(r), "nombre@empresa.cl"}}, func(x []string) (string, error) {
			m, err := w.copies.SendMail(r.Key, x[0], w.s.Person.Name)
			if err != nil {
				return "", err
			}
			return "El correo con " + doc + " para " + m.To + " quedó en la cola: sale solo cuando haya línea.", nil
		}))
}

// addressOf is the buyer's address: that of the document, or the one that the shop keeps of him.
func (w *Window) addressOf(r sale.Record) string {
	if r.Receptor.Correo != "" || w.customers == nil || r.Receptor.RUT == 0 || r.Receptor.RUT == dte.RUTAnonimo {
		return r.Receptor.Correo
	}
	c, err := w.customers.Customer(r.Receptor.RUT)
	if err != nil {
		return "" // unknown, or not to be read: it can be typed
	}
	return c.Correo
}

// openMailAccount asks how the shop sends mail, and tries it.
func (w *Window) openMailAccount() error {
	a, err := w.copies.MailAccount()
	if err != nil {
		return err
	}
	key := "la de su cuenta de correo"
	if a.Host == "" {
		a.Port, a.Security = 587, sale.MailSTARTTLS
	} else if a.User != "" {
		key = "la misma, si queda en blanco"
	}
	d := newFormDialog(w, "Correo de la tienda", "Los datos los da su proveedor de correo. Lo usual es el puerto 587 con starttls, o el 465 con tls. La clave queda sellada en la caja.", "Guardar y probar", []formField{
		{"Servidor", a.Host, "smtp.empresa.cl"},
		{"Puerto", strconv.Itoa(a.Port), "587"},
		{"Seguridad", string(a.Security), "starttls o tls"},
		{"Usuario", a.User, "caja@empresa.cl"},
		{"Clave", "", key},
		{"Se envía desde", a.From, "caja@empresa.cl"},
		{"Nombre que se ve", a.Name, "el de la tienda"},
	}, w.keepMailAccount)
	d.fields[4].secret()
	w.openDialog(d)
	return nil
}

func (w *Window) keepMailAccount(x []string) (string, error) {
	port, err := strconv.Atoi(x[1])
	if err != nil {
		return "", fmt.Errorf("«%s» no es un puerto. No se cambió nada", x[1])
	}
	a := sale.MailAccount{Host: x[0], Port: port, Security: sale.MailSecurity(strings.ToLower(x[2])), User: x[3], Password: x[4], From: x[5], Name: x[6]}
	if err := w.copies.SetMailAccount(a); err != nil {
		return "", err
	}
	w.aside(func() func() {
		said, err := w.copies.TryMail(context.Background())
		return func() {
			if err != nil {
				w.frame.banner.tell(bad, sentence(err.Error())+".")
				return
			}
			w.frame.banner.tell(good, said)
		}
	})
	return "La cuenta quedó guardada. Se está probando con el servidor…", nil
}

// mailSummary is mailWords where there is little room.
func mailSummary(mails []sale.Mail) string {
	if len(mails) == 0 {
		return ""
	}
	m, words := mails[len(mails)-1], "Correo"
	if len(mails) > 1 {
		words = fmt.Sprintf("%d correos; el último,", len(mails))
	}
	switch m.State {
	case sale.MailSent:
		return words + " enviado el " + day(m.Sent) + " " + hour(m.Sent) + "."
	case sale.MailStopped:
		return words + " sin enviar: vea Enviar."
	case sale.MailWaiting:
	}
	return words + " en espera."
}

// mailWords tell what became of the last letter with a document, and how many there are.
func mailWords(mails []sale.Mail) string {
	if len(mails) == 0 {
		return ""
	}
	m := mails[len(mails)-1]
	words := "Correo a " + m.To
	if len(mails) > 1 {
		words = fmt.Sprintf("%d correos; el último, a %s", len(mails), m.To)
	}
	switch m.State {
	case sale.MailSent:
		return words + ": enviado el " + day(m.Sent) + " a las " + hour(m.Sent) + "."
	case sale.MailStopped:
		return words + ": no se envió. " + sentence(strings.TrimSuffix(m.Problem, ".")) + "."
	case sale.MailWaiting:
		if m.Problem != "" {
			return words + ": espera. " + sentence(strings.TrimSuffix(m.Problem, ".")) + "."
		}
	}
	return words + ": espera su turno."
}
