package shop

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// What happens at a counter beside sales with a document.

// any of the documents of this till's file, if it is like that.
func (m *simTill) any(like func(sale.Record, dte.State) bool) (r sale.Record, ok bool) {
	var list []sale.Record
	for _, key := range slices.SortedFunc(maps.Keys(m.w.papers), byKey) {
		_, r, err := m.store.Document(key)
		if errors.Is(err, sale.ErrNotFound) {
			continue
		}
		m.w.must(err)
		state, _, err := m.store.DocumentState(key)
		m.w.must(err)
		if like(r, state) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return r, false
	}
	return list[m.w.r.IntN(len(list))], true
}

// newID is a name that no other computer gives.
func (m *simTill) newID(what string) sale.ID {
	m.sales++
	return sale.ID(fmt.Sprintf("%s %s/%s/%d", what, filepath.Base(m.dir), m.name, m.sales))
}

// takesBack all that somebody bought, with a note of credit.
func (m *simTill) takesBack() {
	r, ok := m.any(func(r sale.Record, s dte.State) bool {
		against, err := m.store.Against(r.Key)
		m.w.must(err)
		return !r.Key.Tipo.EsNota() && s != dte.Rejected && len(against.Notes) == 0
	})
	if !ok {
		return
	}
	xml, _, err := m.store.Document(r.Key)
	m.w.must(err)
	doc, err := dte.Parse(xml)
	m.w.must(err)
	order, err := sale.CreditNote(m.newID("nota"), doc, r.Payment, "devolución")
	m.w.must(err)
	m.w.stats.notes++
	m.issues(order)
	m.wakes()
}

// movesCash puts money into the drawer or takes some out.
func (m *simTill) movesCash() {
	move := sale.CashMove{ID: m.newID("efectivo"), At: m.now(), Kind: sale.CashIn, Amount: money.Pesos(10 * (1 + m.w.r.IntN(500))), Why: "sencillo", Who: "Rosa"}
	if s, err := m.store.CurrentShift(); m.w.r.IntN(2) == 0 && err == nil && s.Expected() >= move.Amount {
		move.Kind = sale.CashOut
	}
	_, err := m.store.MoveCash(move)
	m.w.must(err)
	m.w.note("%s: %s %d", m.name, move.Kind, move.Amount)
	m.wakes()
}

// sellsByVoucher: the voucher of the card is the boleta.
func (m *simTill) sellsByVoucher() {
	total := money.Pesos(500 + 10*m.w.r.IntN(900))
	_, err := m.store.KeepVoucher(sale.Record{
		ID: m.newID("voucher"), At: m.now(), Key: dte.Key{Emisor: dtetest.Company}, Total: total, Lines: []sale.Line{{Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(total), Total: total}},
		Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Debito, Amount: total, Received: total, Reference: "123456"}}},
	})
	if mayNotIssue(err) {
		m.w.stats.refused++
		return
	}
	m.w.must(err)
	m.w.stats.vouchers++
	m.w.note("%s sells by voucher for %d", m.name, total)
	m.wakes()
}

// remedies leads a document on that the SII refused.
func (m *simTill) remedies() {
	was, ok := m.any(func(r sale.Record, s dte.State) bool {
		_, v, err := m.store.DocumentState(r.Key)
		m.w.must(err)
		past, err := m.store.Remedies(r.Key)
		m.w.must(err)
		return s == dte.Rejected && !r.Key.Tipo.EsNota() && slices.Contains(sale.ActsFor(v), sale.ActReissue) && len(past) == 0
	})
	if !ok {
		return
	}
	now, err := sale.Reissue(m.deps(), was.Key, "Rosa", "lo dijo el SII")
	if mayNotIssue(err) {
		m.w.stats.refused++
		m.w.note("%s does not remedy %s: %.60v", m.name, was.Key.ID(), err)
		return
	}
	m.w.must(err)
	m.w.stats.remedies++
	m.w.note("%s sells %s %.12s instead of %s", m.name, now.Key.ID(), now.SHA256, was.Key.ID())
	m.handsOver(now)
	m.wakes()
}
