package store

import (
	"errors"
	"fmt"
	"testing"

	"mostrador/dte"
	"mostrador/mail/mailtest"
	"mostrador/sale"
)

func TestMailQueue(t *testing.T) {
	mailtest.RunQueue(t, func(t *testing.T) mailtest.Till {
		b := newTill(t)
		b.caf(dte.Boleta, 1, 20)
		n := 0
		return mailtest.Till{
			Queue: b,
			Issue: func() dte.Key { n++; return b.issue(sale.ID(fmt.Sprint("s", n))).Key },
			Restart: func() mailtest.Queue {
				b.reopenFile()
				b.healthy()
				return b
			},
		}
	})
}

// The letters of a document are told with it, and no letter is of a document that there is not.
func TestLettersAreOfADocument(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 20)
	k := b.issue("s1").Key
	m, err := b.AddMail(sale.Mail{Key: k, To: "a@x.cl", At: mailtest.At()})
	b.must(err)
	list, err := b.Documents(sale.DocumentQuery{})
	b.must(err)
	if len(list[0].Mails) != 1 || list[0].Mails[0].To != m.To {
		t.Errorf("%+v", list[0].Mails)
	}
	k.Folio = 19
	if _, err := b.AddMail(sale.Mail{Key: k, To: "a@x.cl"}); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("a letter of nothing: %v", err)
	}
	if list, err := b.Mails(10); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	b.healthy()
}
