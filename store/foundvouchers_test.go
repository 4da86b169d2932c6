package store

import (
	"fmt"
	"slices"
	"testing"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// byCard keeps the i-th sale by voucher, a minute after the one before, for 5000+i by operation 9000+i.
func (b *till) byCard(i int) sale.Record {
	b.t.Helper()
	total := money.Pesos(5000 + i)
	r, err := b.KeepVoucher(sale.Record{
		ID: sale.ID(fmt.Sprint("v", i)), At: minute(i), Caja: "CAJA1", Key: dte.Key{Emisor: saletest.Shop().Emisor.RUT, Tipo: sale.Comprobante}, Total: total,
		Lines:    []sale.Line{{Codigo: fmt.Sprint("VELA", i), Nombre: "Vela de cera", Qty: money.One, Prc: money.PerUnit(total), Total: total}},
		Receptor: dte.Receptor{RUT: dte.RUT(60_000_000 + i), RznSoc: fmt.Sprintf("Pastelería Nº %d", i)},
		Payment:  sale.Payment{Tenders: []sale.Tender{{Method: sale.Credito, Amount: total, Received: total, Reference: fmt.Sprintf("00%d", 9000+i)}}},
	})
	b.must(err)
	return r
}

func listed(list []sale.DocumentInfo) (keys []string) {
	for _, d := range list {
		keys = append(keys, fmt.Sprintf("%d-%d", d.Key.Tipo, d.Key.Folio))
	}
	return keys
}

// A sale whose boleta is the card's voucher is found like a document: by number, operation, amount, customer, product and day.
func TestSalesByVoucherAreFoundBesideDocuments(t *testing.T) {
	b := newTill(t)
	b.shelf(3)
	for i := range 3 {
		b.byCard(i + 3)
	}
	for text, want := range map[string][]string{
		"9004":       {"48-2"},
		"009004":     {"48-2"},
		"$5.004":     {"48-2"},
		"5.004":      {"48-2"},
		"pasteleria": {"48-3", "48-2", "48-1"},
		"60000005":   {"48-3"},
		"vela hoy":   nil,
		"VELA5":      {"48-3"},
		"cera 5003":  {"48-1"},
	} {
		if got := listed(b.found(text).Documents); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", text, got, want)
		}
	}
	day := minute(0).In(dte.Santiago).Format("02-01-2006")
	if got := b.found(day + " vela"); len(got.Documents) != 3 || !got.Until.IsZero() {
		t.Errorf("on %s: %v, until %v", day, listed(got.Documents), got.Until)
	}
	for name, c := range map[string]struct {
		q    sale.DocumentQuery
		want []string
	}{
		"newest first":        {sale.DocumentQuery{Vouchers: true, Limit: 4}, []string{"48-3", "48-2", "48-1", "39-3"}},
		"without being asked": {sale.DocumentQuery{Limit: 4}, []string{"39-3", "39-2", "39-1"}},
		"by its number":       {sale.DocumentQuery{Vouchers: true, Folio: 2}, []string{"48-2", "39-2"}},
		"since":               {sale.DocumentQuery{Vouchers: true, From: minute(4)}, []string{"48-3", "48-2"}},
		"until":               {sale.DocumentQuery{Vouchers: true, To: minute(4)}, []string{"48-1", "39-3", "39-2", "39-1"}},
		"one that is not":     {sale.DocumentQuery{Vouchers: true, Folio: 99}, nil},
	} {
		list, err := b.Documents(c.q)
		if b.must(err); !slices.Equal(listed(list), c.want) {
			t.Errorf("%s: %v, want %v", name, listed(list), c.want)
		}
	}
}

// However many there are, the walk goes on where it stopped.
func TestSalesByVoucherAreFoundHoweverOld(t *testing.T) {
	b := newTill(t)
	for i := range lookedAtOnce + 50 {
		b.byCard(i)
	}
	if got := listed(b.found("VELA7").Documents); !slices.Equal(got, []string{"48-8"}) {
		t.Errorf("the old one: %v", got)
	}
	if got := b.found("vela").Documents; len(got) != sale.MostFound || got[0].Key.Folio != lookedAtOnce+50 {
		t.Errorf("%d, from %v", len(got), listed(got[:1]))
	}
	list, err := b.Documents(sale.DocumentQuery{Vouchers: true, Folio: 3})
	if b.must(err); !slices.Equal(listed(list), []string{"48-3"}) {
		t.Errorf("by number: %v", listed(list))
	}
}

// Every paper of a sale by voucher is a copy: its original came out of the terminal. It counts when it came out.
func TestCopiesOfASaleByVoucher(t *testing.T) {
	b := newTill(t)
	k := b.byCard(1).Key
	papers := func(want ...int) {
		t.Helper()
		list, err := b.Documents(sale.DocumentQuery{Vouchers: true, Folio: k.Folio})
		b.must(err)
		var got []int
		for _, c := range list[0].Copies {
			got = append(got, c.N)
		}
		if !slices.Equal(got, want) || list[0].Printed != len(want) {
			t.Errorf("copies %v, printed %d; want %v", got, list[0].Printed, want)
		}
	}
	papers()
	first, second := b.order(k, false, "Rosa", 1), b.order(k, false, "Luis", 2)
	if first.Kept == nil || first.Kept.ID != "v1" || !first.Slip() {
		t.Errorf("the job is %+v", first)
	}
	b.healthy() // while it waits
	papers()
	b.must(b.PrintDone(first.ID))
	papers(1)
	b.must(b.PrintDrop(second.ID, "se atascó"))
	b.must(b.PrintDone(b.order(k, false, "Luis", 2).ID))
	papers(1, 2)
	b.healthy()
	for name, o := range map[string]sale.PaperOrder{
		"one that can be ceded": {Key: k, Cedible: true, At: saletest.Now},
		"one that is not there": {Key: dte.Key{Emisor: k.Emisor, Tipo: sale.Comprobante, Folio: 9}, At: saletest.Now},
	} {
		if _, err := b.Reprint(o); err == nil {
			t.Errorf("%s was ordered", name)
		}
	}
	b.close()
}
