// Package saletest is the conformance suite of sale.Journal: whatever keeps a till's book must pass it.
package saletest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// Open returns an empty journal for Shop, and what gives it the folios of a CAF file that dtetest.Trust verifies.
type Open func(t *testing.T) (j sale.Journal, addCAF func(file []byte))

// Now is the time at which the suite sells: a Monday at the counter.
var Now = dtetest.Now()

// Shop is the practice shop of the suite.
func Shop() sale.Shop {
	return sale.Shop{
		Emisor:     dtetest.Emisor(),
		Resolucion: dtetest.Resolucion(),
		Ambiente:   dte.Capacitacion,
		Caja:       "CAJA1",
	}
}

// CAF is a file with folios for Shop, authorised on fa.
func CAF(tipo dte.TipoDTE, desde, hasta dte.Folio, fa dte.Date) []byte {
	_, file := dtetest.CAF(Shop().Emisor.RUT, tipo, desde, hasta, fa)
	return file
}

// Build makes what a journal needs of a document: right key, bytes of their own, hash. The bytes are no XML of the SII;
// no journal reads them.
func Build(id sale.ID, tipo dte.TipoDTE, at time.Time, total money.Pesos) func(sale.Grant) (sale.Issued, error) {
	return func(g sale.Grant) (sale.Issued, error) {
		doc := &dte.Document{Draft: dte.Draft{Tipo: tipo, Emisor: dte.Emisor{RUT: g.CAF.Emisor}}, Folio: g.Folio}
		doc.XML = fmt.Appendf(nil, "<DTE>%s %s %d \xd1</DTE>", doc.Key(), id, total)
		return sale.Issued{Document: doc, Record: sale.Record{
			ID: id, At: at, Caja: Shop().Caja, Key: doc.Key(), Total: total, SHA256: sale.HashXML(doc.XML),
			Lines:    []sale.Line{{Codigo: "A1", Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(total), Total: total}},
			Payment:  sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: total, Received: total}}},
			Receptor: dte.Receptor{RUT: dte.RUTAnonimo},
		}}, nil
	}
}

// RunJournal runs the suite. Each part has a journal of its own.
func RunJournal(t *testing.T, open Open) {
	run(t, plain(open), []piece[*part]{
		{"issues in order and once per sale", issuesOnce},
		{"keeps the exact bytes", keepsBytes},
		{"writes nothing when build fails", buildFails},
		{"refuses another document", refusesAnother},
		{"uses ranges by expiry, then start", rangesInOrder},
		{"skips ranges that are not in force", rangesInForce},
		{"runs out of folios in words", runsOut},
		{"gives each folio to one of many", manyAtOnce},
		{"knows nothing of what was never stored", knowsNothing},
		{"saves the cart until its sale", savesCart},
		{"puts carts aside", putsAside},
		{"logs what happened", logs},
		{"knows what was taken back", knowsReturns},
		{"sums the shift", sumsShift},
		{"opens and closes shifts in turn", shiftsInTurn},
		{"shares nothing with the caller", sharesNothing},
	})
}

// piece is a part of a suite.
type piece[P any] struct {
	name string
	run  func(P)
}

// run runs the parts of a suite, each on what it begins with.
func run[P any](t *testing.T, begin func(*testing.T) P, parts []piece[P]) {
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.run(begin(t)) })
	}
}

// plain begins with an empty journal.
func plain(open Open) func(*testing.T) *part {
	return func(t *testing.T) *part {
		j, addCAF := open(t)
		return &part{T: t, j: j, add: addCAF}
	}
}

// stocked begins with folios 1 to hasta of these types.
func stocked(open Open, hasta dte.Folio, tipos ...dte.TipoDTE) func(*testing.T) *part {
	return func(t *testing.T) *part {
		p := plain(open)(t)
		for _, tipo := range tipos {
			p.caf(tipo, 1, hasta, dtetest.FA())
		}
		return p
	}
}

type part struct {
	*testing.T
	j   sale.Journal
	add func(file []byte)
}

func (p *part) caf(tipo dte.TipoDTE, desde, hasta dte.Folio, fa dte.Date) {
	p.Helper()
	p.add(CAF(tipo, desde, hasta, fa))
}

func (p *part) issue(id sale.ID, tipo dte.TipoDTE, total money.Pesos) sale.Record {
	p.Helper()
	r, err := p.j.Issue(id, tipo, Now, Build(id, tipo, Now, total))
	if err != nil {
		p.Fatalf("issue %s: %v", id, err)
	}
	return r
}

func (p *part) want(what string, got, want any) {
	p.Helper()
	if !reflect.DeepEqual(got, want) {
		p.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (p *part) wantErr(what string, err, want error) {
	p.Helper()
	if !errors.Is(err, want) {
		p.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func (p *part) left(tipo dte.TipoDTE, want int) {
	p.Helper()
	n, err := p.j.FoliosLeft(tipo, dte.DateOf(Now))
	p.wantErr("FoliosLeft", err, nil)
	p.want("folios left of "+tipo.String(), n, want)
}

func issuesOnce(p *part) {
	p.caf(dte.Boleta, 101, 110, dtetest.FA())
	first := p.issue("s1", dte.Boleta, 1000)
	p.want("first folio", first.Key, dte.Key{Emisor: Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: 101})
	p.want("second folio", p.issue("s2", dte.Boleta, 2000).Key.Folio, dte.Folio(102))
	again, err := p.j.Issue("s1", dte.Boleta, Now, func(sale.Grant) (sale.Issued, error) {
		p.Error("build was called for a sale that is already there")
		return sale.Issued{}, errors.New("called")
	})
	p.wantErr("again", err, nil)
	p.want("again, key", again.Key, first.Key)
	found, err := p.j.Sale("s1")
	p.wantErr("Sale", err, nil)
	p.want("the record that Issue returned and the one kept", found.SHA256+string(found.ID), first.SHA256+string(first.ID))
	p.want("time", found.At.Equal(Now), true)
	p.left(dte.Boleta, 8)
}

func keepsBytes(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	var sent []byte
	r, err := p.j.Issue("s1", dte.Boleta, Now, func(g sale.Grant) (sale.Issued, error) {
		i, err := Build("s1", dte.Boleta, Now, 990)(g)
		sent = append(sent, i.Document.XML...)
		return i, err
	})
	p.wantErr("Issue", err, nil)
	xml, kept, err := p.j.Document(r.Key)
	p.wantErr("Document", err, nil)
	p.want("bytes", xml, sent)
	p.want("hash", kept.SHA256, sale.HashXML(sent))
	p.want("total", kept.Total, money.Pesos(990))
	p.want("lines", kept.Lines, r.Lines)
	p.want("payment", kept.Payment, r.Payment)
}

func buildFails(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	broken := errors.New("no paper today")
	calls := 0
	_, err := p.j.Issue("s1", dte.Boleta, Now, func(g sale.Grant) (sale.Issued, error) {
		calls++
		return sale.Issued{}, broken
	})
	p.wantErr("Issue", err, broken)
	p.want("calls of build", calls, 1)
	_, err = p.j.Sale("s1")
	p.wantErr("Sale", err, sale.ErrNotFound)
	p.left(dte.Boleta, 5)
	p.want("the folio is still free", p.issue("s1", dte.Boleta, 10).Key.Folio, dte.Folio(1))
}

func refusesAnother(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	spoil := map[string]func(*sale.Issued){
		"other folio":      func(i *sale.Issued) { i.Document.Folio++; i.Record.Key = i.Document.Key() },
		"other type":       func(i *sale.Issued) { i.Document.Tipo = dte.BoletaExenta; i.Record.Key = i.Document.Key() },
		"other company":    func(i *sale.Issued) { i.Document.Emisor.RUT++; i.Record.Key = i.Document.Key() },
		"other record key": func(i *sale.Issued) { i.Record.Key.Folio = 5 },
		"other sale":       func(i *sale.Issued) { i.Record.ID = "s9" },
		"wrong hash":       func(i *sale.Issued) { i.Document.XML = append(i.Document.XML, ' ') },
		"no bytes":         func(i *sale.Issued) { i.Document.XML = nil },
		"no document":      func(i *sale.Issued) { i.Document = nil },
	}
	for name, change := range spoil {
		_, err := p.j.Issue("s1", dte.Boleta, Now, func(g sale.Grant) (sale.Issued, error) {
			i, err := Build("s1", dte.Boleta, Now, 10)(g)
			change(&i)
			return i, err
		})
		p.wantErr(name, err, sale.ErrMismatch)
		_, err = p.j.Sale("s1")
		p.wantErr(name+": nothing written", err, sale.ErrNotFound)
	}
	p.left(dte.Boleta, 5)
}

func rangesInOrder(p *part) {
	january, february := dte.Date{Year: 2026, Month: time.January, Day: 10}, dtetest.FA()
	p.caf(dte.Factura, 1, 2, february)
	p.caf(dte.Factura, 51, 52, january) // expires first
	p.caf(dte.Factura, 21, 22, february)
	var got []dte.Folio
	for i := range 6 {
		got = append(got, p.issue(sale.ID(fmt.Sprint("s", i)), dte.Factura, 100).Key.Folio)
	}
	p.want("order", got, []dte.Folio{51, 52, 1, 2, 21, 22})
}

func rangesInForce(p *part) {
	old := dte.Date{Year: 2025, Month: time.September, Day: 15} // expired the day before Now
	tomorrow := dte.DateOf(Now.AddDate(0, 0, 1))
	p.caf(dte.Factura, 1, 9, old)
	p.caf(dte.Factura, 11, 19, tomorrow)
	p.left(dte.Factura, 0)
	_, err := p.j.Issue("s1", dte.Factura, Now, Build("s1", dte.Factura, Now, 10))
	p.wantErr("all expired or not begun", err, sale.ErrNoFolios)
	p.caf(dte.Factura, 21, 29, dte.Date{Year: 2025, Month: time.September, Day: 16}) // its last day is today
	p.left(dte.Factura, 9)
	p.want("last day", p.issue("s1", dte.Factura, 10).Key.Folio, dte.Folio(21))
	p.caf(dte.Boleta, 1, 9, old) // boletas do not expire
	p.want("boleta", p.issue("s2", dte.Boleta, 10).Key.Folio, dte.Folio(1))
}

func runsOut(p *part) {
	_, err := p.j.Issue("s0", dte.Boleta, Now, Build("s0", dte.Boleta, Now, 10))
	p.wantErr("no CAF", err, sale.ErrNoFolios)
	p.caf(dte.Boleta, 7, 7, dtetest.FA())
	p.issue("s1", dte.Boleta, 10)
	called := false
	_, err = p.j.Issue("s2", dte.Boleta, Now, func(g sale.Grant) (sale.Issued, error) {
		called = true
		return Build("s2", dte.Boleta, Now, 10)(g)
	})
	p.wantErr("range used up", err, sale.ErrNoFolios)
	p.want("build called without a folio", called, false)
	p.left(dte.Boleta, 0)
	p.caf(dte.BoletaExenta, 1, 3, dtetest.FA())
	p.want("other types go on", p.issue("s3", dte.BoletaExenta, 10).Key.Folio, dte.Folio(1))
}

func manyAtOnce(p *part) {
	const goroutines, each = 4, 5
	p.caf(dte.Boleta, 1, goroutines*each, dtetest.FA())
	var mu sync.Mutex
	seen := map[dte.Folio]bool{}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				id := sale.ID(fmt.Sprintf("g%d-%d", g, i))
				r, err := p.j.Issue(id, dte.Boleta, Now, Build(id, dte.Boleta, Now, 10))
				mu.Lock()
				if err != nil || seen[r.Key.Folio] {
					p.Errorf("%s: folio %d, error %v", id, r.Key.Folio, err)
				}
				seen[r.Key.Folio] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	p.want("folios used", len(seen), goroutines*each)
	p.left(dte.Boleta, 0)
}

func knowsNothing(p *part) {
	_, err := p.j.Sale("never")
	p.wantErr("Sale", err, sale.ErrNotFound)
	_, _, err = p.j.Document(dte.Key{Emisor: 1, Tipo: dte.Boleta, Folio: 1})
	p.wantErr("Document", err, sale.ErrNotFound)
	cart, err := p.j.LoadCart()
	p.wantErr("LoadCart", err, nil)
	p.want("cart", cart, sale.Cart{})
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("shift", shift, sale.Shift{})
	p.left(dte.Boleta, 0)
}

func putsAside(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	cart := func(id sale.ID) sale.Cart {
		return sale.Cart{ID: id, Lines: []sale.Line{{Codigo: "7801", Nombre: "Té", Qty: 2 * money.One}}}
	}
	held := func(id sale.ID, minutes int) sale.Held {
		return sale.Held{Cart: cart(id), At: Now.Add(time.Duration(minutes) * time.Minute), Name: "de " + string(id), Total: 10}
	}
	open := func(want sale.Cart) {
		p.Helper()
		got, err := p.j.LoadCart()
		p.wantErr("LoadCart", err, nil)
		p.want("open cart", got, want)
	}
	ids := func(want ...sale.ID) {
		p.Helper()
		list, err := p.j.HeldCarts()
		p.wantErr("HeldCarts", err, nil)
		var got []sale.ID
		for _, h := range list {
			got = append(got, h.Cart.ID)
		}
		p.want("held carts", got, want)
	}
	ids()
	p.wantErr("SaveCart", p.j.SaveCart(cart("a")), nil)
	p.wantErr("HoldCart", p.j.HoldCart(held("a", 2)), nil)
	open(sale.Cart{})
	p.wantErr("SaveCart", p.j.SaveCart(cart("b")), nil)
	p.wantErr("HoldCart of another", p.j.HoldCart(held("c", 1)), nil)
	open(cart("b"))
	ids("c", "a")
	list, err := p.j.HeldCarts()
	p.wantErr("HeldCarts", err, nil)
	p.want("name", list[0].Name, "de c")
	p.want("total", list[0].Total, money.Pesos(10))
	p.want("time", list[0].At.Equal(Now.Add(time.Minute)), true)

	_, err = p.j.RecallCart("a")
	p.wantErr("RecallCart over an open sale", err, sale.ErrOpenCart)
	_, err = p.j.RecallCart("nobody")
	p.wantErr("RecallCart of nothing", err, sale.ErrNotFound)
	open(cart("b"))
	p.wantErr("SaveCart", p.j.SaveCart(sale.Cart{ID: "d"}), nil)
	got, err := p.j.RecallCart("a")
	p.wantErr("RecallCart", err, nil)
	p.want("recalled", got, cart("a"))
	open(cart("a"))
	ids("c")
	p.issue("c", dte.Boleta, 10) // sold while it was held: by a program, after a crash
	ids()
	open(cart("a"))
}

func knowsReturns(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	p.caf(dte.NotaCredito, 1, 5, dtetest.FA())
	d := sale.Deps{Shop: Shop(), Journal: p.j, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now}
	sell := func(id sale.ID, returned ...sale.ReturnedLine) sale.Record {
		p.Helper()
		draft := dte.Draft{Tipo: dte.Boleta, Receptor: dte.Receptor{RUT: dte.RUTAnonimo}}
		draft.Detalle = []dte.Linea{{Nombre: "Pan", Qty: 3 * money.One, Prc: money.PerUnit(1000)}}
		r, err := sale.IssueOrder(d, sale.Order{ID: id, Draft: draft, Returned: returned})
		p.wantErr("IssueOrder", err, nil)
		return r
	}
	against := func(key dte.Key, notes, exchanged int) sale.Against {
		p.Helper()
		a, err := p.j.Against(key)
		p.wantErr("Against", err, nil)
		p.want("notes", len(a.Notes), notes)
		p.want("exchanged", len(a.Exchanged), exchanged)
		return a
	}
	r, other := sell("s1"), sell("s2")
	against(r.Key, 0, 0)
	note, err := sale.TakeBack(d, sale.Return{ID: "n1", Reason: "roto", Lines: []sale.ReturnedLine{{Of: r.Key, Line: 1, Qty: money.One}}})
	p.wantErr("TakeBack", err, nil)
	got := against(r.Key, 1, 0)
	p.want("the note", got.Notes[0].Key(), note.Key)
	change := sale.ReturnedLine{Of: r.Key, Line: 1, Qty: money.One, Restock: true, Worth: 1000}
	sell("s3", change)
	got = against(r.Key, 1, 1)
	p.want("the exchange", got.Exchanged[0].ReturnedLine, change)
	against(other.Key, 0, 0)

	open, err := sale.OpenReturn(p.j, r.Key)
	p.wantErr("OpenReturn", err, nil)
	p.want("left", open.Left(1), money.One)
	_, err = sale.TakeBack(d, sale.Return{ID: "n2", Reason: "roto", Lines: []sale.ReturnedLine{{Of: r.Key, Line: 1, Qty: 2 * money.One}}})
	p.wantErr("more than is left", err, dte.ErrNote)
	_, err = sale.OpenReturn(p.j, dte.Key{Emisor: r.Key.Emisor, Tipo: dte.Boleta, Folio: 99})
	p.wantErr("a document that is not there", err, sale.ErrNotFound)
}

func logs(p *part) {
	e := func(n int) sale.Event {
		return sale.Event{At: Now.Add(time.Duration(n) * time.Second), Kind: sale.EventRemoved, Sale: "s", Who: "Rosa", What: fmt.Sprint(n), Amount: 990}
	}
	p.wantErr("SaveCart", p.j.SaveCart(sale.Cart{ID: "s"}, e(1), e(2)), nil)
	p.wantErr("Log", p.j.Log(e(3)), nil)
	for _, limit := range []int{0, 1, 2, 10} {
		got, err := p.j.Events(limit)
		p.wantErr("Events", err, nil)
		p.want("how many", len(got), min(limit, 3))
		for i, g := range got {
			p.want("time", g.At.Equal(e(3-i).At), true)
			g.At = e(3 - i).At
			p.want("event", g, e(3-i))
		}
	}
}

func savesCart(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	cart := sale.Cart{
		ID: "s1", Lines: []sale.Line{{Codigo: "7801", Nombre: "Té", Qty: 2 * money.One}},
		Receptor: dte.Receptor{RUT: 12345678, RznSoc: "Ana"},
		Tipo:     dte.GuiaDespacho, Lists: []string{"Mayorista"}, Vence: dtetest.Today(),
		Guia:        &sale.Guia{IndTraslado: 1, Transporte: dte.Transporte{Direccion: "Los Robles 45", Comuna: "Maipú", RUTChofer: 11111111}},
		Referencias: []dte.Referencia{{TpoDocRef: "801", FolioRef: "77", FchRef: dtetest.Today()}},
	}
	p.wantErr("SaveCart", p.j.SaveCart(cart), nil)
	p.issue("other", dte.Boleta, 10)
	got, err := p.j.LoadCart()
	p.wantErr("LoadCart", err, nil)
	p.want("cart after another sale", got, cart)
	p.issue("s1", dte.Boleta, 10)
	got, err = p.j.LoadCart()
	p.wantErr("LoadCart", err, nil)
	p.want("cart after its sale", got, sale.Cart{})
}

func sumsShift(p *part) {
	p.caf(dte.Boleta, 1, 9, dtetest.FA())
	p.caf(dte.NotaCredito, 1, 9, dtetest.FA())
	p.want("outside a shift", p.issue("s0", dte.Boleta, 5000).Shift, 0)
	_, err := p.j.OpenShift(Now, "", 20_000)
	p.wantErr("OpenShift", err, nil)
	p.want("in the shift", p.issue("s1", dte.Boleta, 1000).Shift, 1)
	p.issue("s2", dte.Boleta, 2500)
	p.issue("s2", dte.Boleta, 2500) // the same sale again adds nothing
	p.issue("n1", dte.NotaCredito, 1000)
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("sales", shift.Sales, 3)
	p.want("by type", shift.ByType, map[string]money.Pesos{"39": 3500, "61": -1000})
	p.want("paid", shift.Paid, map[sale.Method]money.Pesos{sale.Efectivo: 2500})
	closed, err := p.j.CloseShift(Now.Add(time.Hour), "", 22_400)
	p.wantErr("CloseShift", err, nil)
	p.want("difference", closed.Difference, money.Pesos(-100))
	p.want("counted", closed.Counted, money.Pesos(22_400))
	p.want("closed", closed.ClosedAt.Equal(Now.Add(time.Hour)), true)
	p.want("after the close", p.issue("s3", dte.Boleta, 10).Shift, 0)
}

func shiftsInTurn(p *part) {
	_, err := p.j.CloseShift(Now, "", 0)
	p.wantErr("close without a shift", err, sale.ErrShift)
	first, err := p.j.OpenShift(Now, "", 100)
	p.wantErr("open", err, nil)
	p.want("number", first.Number, 1)
	_, err = p.j.OpenShift(Now, "", 100)
	p.wantErr("open twice", err, sale.ErrShift)
	_, err = p.j.CloseShift(Now, "", 100)
	p.wantErr("close", err, nil)
	none, err := p.j.CurrentShift()
	p.wantErr("current", err, nil)
	p.want("none open", none, sale.Shift{})
	second, err := p.j.OpenShift(Now, "", 0)
	p.wantErr("open again", err, nil)
	p.want("number", second.Number, 2)
	p.want("fresh sums", second.Sales, 0)
}

func sharesNothing(p *part) {
	p.caf(dte.Boleta, 1, 5, dtetest.FA())
	r := p.issue("s1", dte.Boleta, 10)
	r.Lines[0].Nombre = "otra cosa"
	r.Payment.Tenders[0].Amount = 1
	xml, _, _ := p.j.Document(r.Key)
	xml[0] = 'X'
	again, err := p.j.Sale("s1")
	p.wantErr("Sale", err, nil)
	p.want("line", again.Lines[0].Nombre, "Pan")
	p.want("tender", again.Payment.Tenders[0].Amount, money.Pesos(10))
	xml, _, err = p.j.Document(r.Key)
	p.wantErr("Document", err, nil)
	p.want("bytes", xml[0], byte('<'))
}
