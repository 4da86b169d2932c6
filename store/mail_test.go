package store

import (
	"errors"
	"fmt"
	"slices"
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

// A letter that was stopped is told until it is attended, tried anew, or another one of its document leaves in its place.
func TestStoppedLettersAreTold(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 20)
	told := func(want ...uint64) {
		t.Helper()
		var ids []uint64
		for _, m := range b.facts(mailtest.At()).Stopped {
			ids = append(ids, m.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("told of %v, want %v", ids, want)
		}
	}
	stop := func(m sale.Mail) {
		m.State, m.Problem = sale.MailStopped, "no existe"
		b.must(b.UpdateMail(m))
	}
	k := b.issue("s1").Key
	first, err := b.AddMail(sale.Mail{Key: k, To: "a@x.cl", At: mailtest.At()})
	b.must(err)
	told()
	stop(first)
	told(first.ID)
	b.must(b.Attend(sale.MailTask(first.ID), "Rosa", "se la llevó impresa", mailtest.At()))
	told()
	again, err := b.RetryMail(first.ID, mailtest.At())
	b.must(err)
	stop(again)
	told(first.ID)
	second, err := b.AddMail(sale.Mail{Key: k, To: "b@x.cl", At: mailtest.At()})
	b.must(err)
	told()
	b.wantErr(b.Attend(sale.MailTask(second.ID), "Rosa", "nada", mailtest.At()), sale.ErrNotFound)
	stop(second)
	b.reopenFile()
	told(second.ID)
	b.healthy()
}
