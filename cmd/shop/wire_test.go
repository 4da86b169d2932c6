package shop

import (
	"encoding/json"
	"flag"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/sale/saletest"
	"mostrador/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s differs from the golden:\n%s", name, got)
	}
}

// day is a day at a counter on which everything happens that can.
type day struct {
	t testing.TB
	s *Shop
	r *sale.Register
	// passes lets time go by.
	passes func(time.Duration)
}

// newDay opens the counter of a shop that has folios.
func newDay(t testing.TB, s *Shop, passes func(time.Duration)) *day {
	t.Helper()
	must(t, s.Store.PutProducts([]sale.Product{
		{Codigo: "A", Nombre: "Polera", Prc: money.PerUnit(10_000), Codigos: []sale.Code{{Codigo: "A6", Qty: money.Units(6), Prc: money.PerUnit(50_000), Nombre: "Polera, seis"}}},
		{Codigo: "B", Nombre: "Pantalón", Prc: money.PerUnit(15_005)},
		{Codigo: "C", Nombre: "Calcetín", Unidad: "par", Prc: money.PerUnit(2_990)},
		{Codigo: "D", Nombre: "Bufanda", Prc: money.PerUnit(10_000)},
		{Codigo: "L", Nombre: "Libro", Prc: money.PerUnit(4_000), Exento: true},
		{Codigo: "K", Nombre: "Lana", Unidad: "kg", Prc: money.PerUnit(8_990)},
	}))
	deps, err := s.Deps()
	must(t, err)
	deps.Rand = mathrand.NewChaCha8([32]byte{3})
	r, err := sale.NewRegister(deps)
	must(t, err)
	return &day{t, s, r, passes}
}

func (d *day) must(err error) {
	d.t.Helper()
	must(d.t, err)
}

func (d *day) scan(codes ...string) {
	d.t.Helper()
	for _, c := range codes {
		_, err := d.r.Scan(c)
		d.must(err)
	}
}

// pays ends the sale with these tenders; the last one pays the rest.
func (d *day) pays(tenders ...sale.Tender) sale.Record {
	d.t.Helper()
	d.must(d.r.Charge())
	for _, t := range tenders {
		d.must(d.r.Pay(t))
	}
	r, err := d.r.Issue()
	d.must(err)
	d.r.Next()
	return r
}

var inCash = sale.Tender{Method: sale.Efectivo}

func (d *day) sells(codes ...string) sale.Record {
	d.t.Helper()
	d.scan(codes...)
	return d.pays(inCash)
}

// chosen issues a document that nobody pays at the counter.
func (d *day) chosen(ch sale.Choice, codes ...string) sale.Record {
	d.t.Helper()
	d.scan(codes...)
	d.must(d.r.Choose(ch))
	d.must(d.r.Charge())
	r := d.r.Snapshot().Last
	d.r.Next()
	return *r
}

func (d *day) back(of sale.Record, line int) []sale.ReturnedLine {
	return []sale.ReturnedLine{{Of: of.Key, Line: line, Qty: money.One, Restock: true}}
}

// exchanges brings a line of a sale back for something else; without a tender it settles by itself.
func (d *day) exchanges(of sale.Record, code string, asVale bool, tenders ...sale.Tender) sale.Record {
	d.t.Helper()
	d.must(d.r.BeginExchange(sale.Return{Reason: "otra talla", Lines: d.back(of, 1)}))
	d.scan(code)
	if len(tenders) > 0 {
		return d.pays(tenders...)
	}
	d.must(d.r.SettleExchange(asVale, sale.ByTerminal))
	r := d.r.Snapshot().Last
	d.r.Next()
	return *r
}

// refused has the SII refuse a document.
func (d *day) refused(r sale.Record, code string) {
	d.t.Helper()
	o, err := d.s.Store.NewSobre(dte.Sobre{Boletas: r.Key.Tipo.EsBoleta(), Emisor: r.Key.Emisor, Keys: []dte.Key{r.Key}, XML: []byte("<Envio/>"), CreatedAt: r.At})
	d.must(err)
	for _, state := range []dte.State{dte.Sending, dte.Sent} {
		o.State, o.TrackID = state, "4711"
		d.must(d.s.Store.UpdateSobre(o))
	}
	d.must(d.s.Store.Settle(o.ID, []dte.Veredicto{{Key: r.Key, State: dte.Rejected, Codigo: code, Glosa: "no sirve", At: r.At}}))
}

// works is all of it.
func (d *day) works() {
	d.t.Helper()
	buyer := saletest.Buyer().Receptor()
	d.must(d.s.SaveCustomer(saletest.Buyer()))
	d.must(d.r.OpenShift(50_000))
	_, err := d.r.MoveCash(sale.CashIn, 5_000, "sencillo")
	d.must(err)
	_, err = d.r.MoveCash(sale.CashOut, 2_000, "pan")
	d.must(err)
	_, err = d.r.OpenDrawer("se trabó")
	d.must(err)

	plain := d.sells("2*A", "C")
	d.scan("B", "K")
	d.must(d.r.SetQty(money.One * 345 / 1000))
	d.must(d.r.SetLineOff(price.Off{Pct: 1000, By: price.By{Why: "caja golpeada"}}))
	d.must(d.r.SetTicketOff(price.Off{Pesos: 500, By: price.By{Why: "por la espera"}}))
	d.pays(sale.Tender{Method: sale.Debito, Received: 5_000, Reference: "004512"}, sale.Tender{Method: sale.Transferencia, Received: 1_000, Reference: "77"}, inCash)
	d.sells("3*A6", "L")
	d.sells("2*L")

	d.chosen(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer, Guia: sale.Guia{IndTraslado: 1, Transporte: dte.Transporte{Direccion: "Los Robles 45", Comuna: "Ñuñoa"}}}, "B")
	onCredit := d.chosen(sale.Choice{Tipo: dte.Factura, Receptor: buyer, Vence: dte.DateOf(d.s.opt.Now()).AddMonths(1)}, "B")
	d.must(d.r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer}))
	paid := d.sells("A", "L")

	_, err = d.r.SetCreditLimit("cupo", buyer.RUT, 40_000, "Rosa")
	d.must(err)
	d.scan("A")
	d.must(d.r.SetReceptor(buyer))
	d.pays(sale.Tender{Method: sale.Fiado, Reference: buyer.RUT.String()})
	_, err = d.r.PayDebt(sale.Abono{ID: "abono", At: d.s.opt.Now(), RUT: buyer.RUT, Name: buyer.RznSoc, Tender: sale.Tender{Method: sale.Efectivo, Received: 4_000}, Who: "Rosa"})
	d.must(err)

	for i, back := range []sale.Return{{Reason: "roto", Lines: d.back(paid, 1)}, {Reason: "falla", Lines: d.back(plain, 2)}} {
		back.ID = sale.ID("vuelve-" + string(rune('a'+i)))
		_, err = d.r.TakeBack(back)
		d.must(err)
	}
	d.exchanges(plain, "B", false, inCash)
	d.exchanges(d.sells("A"), "D", false)
	cheap := d.exchanges(d.sells("A"), "C", true)
	d.scan("D")
	d.pays(sale.Tender{Method: sale.Vale, Reference: cheap.Payment.Tenders[0].Reference}, inCash)
	d.scan("C")
	d.must(d.r.TakeBackWithout("regalo", false))
	d.r.Next()

	d.must(d.r.SetModelo(sale.ModeloVoucher))
	d.scan("A")
	d.pays(sale.Tender{Method: sale.Debito, Reference: "009"})
	d.must(d.r.SetModelo(sale.ModeloBoleta))

	d.refused(onCredit, saletest.CorrectCode)
	mended, err := d.s.CorrectionOf(onCredit.Key)
	d.must(err)
	mended.Receptor.Direccion = "CALLE DOS 2"
	_, err = d.s.Correct(mended, "Rosa", "otra dirección")
	d.must(err)
	again := d.sells("C")
	d.refused(again, saletest.ReissueCode)
	_, err = d.s.Reissue(again.Key, "Rosa", "folio gastado")
	d.must(err)
	once := d.sells("D")
	d.refused(once, saletest.ResendCode)
	d.must(d.s.Resend(once.Key, "Rosa", "ya está la referencia"))

	d.passes(8 * time.Hour)
	_, err = d.r.CloseShift(60_000)
	d.must(err)
}

// ownFolios are enough for a day.
func ownFolios(t testing.TB, s *Shop) {
	t.Helper()
	for _, tipo := range append(dte.TiposMostrador(), dte.GuiaDespacho) {
		_, err := s.ImportCAF(saletest.CAF(tipo, 1, 50, dte.DateOf(s.opt.Now())))
		must(t, err)
	}
}

// entriesOf is all that a shop would tell.
func entriesOf(t testing.TB, s *Shop) (list []api.Entry) {
	t.Helper()
	chunk, err := s.Store.Chunk(store.Point{}, store.Bounds{Entries: 10_000, Bytes: 1 << 30})
	must(t, err)
	for _, e := range chunk.Entries {
		list = append(list, wireEntry(e))
	}
	return list
}

// All that happens at a counter is told in the words of the wire: each shape is as it was when somebody last looked at it.
func TestEveryShapeOfTheWire(t *testing.T) {
	c := newCompany(t, 20)
	s := opened(t, c.branch())
	ownFolios(t, s)
	newDay(t, s, c.clock.pass).works()
	healthy(t, s)
	type told struct {
		N     int64
		Kind  store.FactKind
		Entry api.Entry
	}
	var list []told
	var kinds []dte.TipoDTE
	for _, e := range entriesOf(t, s) {
		var f store.Fact
		must(t, json.Unmarshal(e.Fact, &f))
		if e.Sale != nil {
			kinds = append(kinds, e.Sale.Key.Tipo)
			if e.Sale.SHA256 != "" && (sale.HashXML(e.Sale.XML) != e.Sale.SHA256 || f.SHA256 != e.Sale.SHA256) {
				t.Errorf("entry %d does not carry the bytes that it names", e.N)
			}
			if e.Sale.XML != nil { // keys differ from one computer to another, and so do signatures
				e.Sale.XML, e.Sale.SHA256 = []byte("XML"), "SHA-256"
			}
		}
		e.Hash, e.Fact = "", nil
		list = append(list, told{e.N, f.Kind, e})
	}
	for _, want := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.NotaCredito, dte.GuiaDespacho, sale.Comprobante, sale.Cambio, sale.DevolucionSinBoleta} {
		if !slices.Contains(kinds, want) {
			t.Errorf("nothing of type %d was told", want)
		}
	}
	text, err := json.MarshalIndent(list, "", " ")
	must(t, err)
	golden(t, "wire.json", string(text)+"\n")
}
