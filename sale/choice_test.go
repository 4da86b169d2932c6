package sale_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/sale/saletest"
)

func today() dte.Date { return dte.DateOf(dtetest.Now()) }

func guia() sale.Guia {
	return sale.Guia{IndTraslado: 1, TipoDespacho: 2, Transporte: dte.Transporte{
		Direccion: "Los Robles 45", Comuna: "Maipú", Patente: "ABCD12", RUTTrans: 76192083, RUTChofer: 11111111, NombreChofer: "Juan Peña",
		FchSalida: today(), HraSalida: "15:30:00",
	}}
}

func wantField(t *testing.T, what string, err error, want sale.Field) {
	t.Helper()
	var field sale.FieldError
	if !errors.As(err, &field) || field.Field != want || field.Reason == "" {
		t.Errorf("%s: %v, want a fault in %s", what, err, want)
	}
}

// Whatever a factura or a guía lacks is named, and the cart stays as it was.
func TestChooseNamesWhatIsMissing(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "200")
	before := r.Snapshot().Cart
	for want, spoil := range map[sale.Field]func(*sale.Choice){
		sale.FieldRUT:       func(c *sale.Choice) { c.Receptor.RUT = dte.RUTAnonimo },
		sale.FieldRznSoc:    func(c *sale.Choice) { c.Receptor.RznSoc = " " },
		sale.FieldGiro:      func(c *sale.Choice) { c.Receptor.Giro = "" },
		sale.FieldDireccion: func(c *sale.Choice) { c.Receptor.Direccion = "" },
		sale.FieldComuna:    func(c *sale.Choice) { c.Receptor.Comuna = "" },
	} {
		for _, tipo := range []dte.TipoDTE{dte.Factura, dte.GuiaDespacho} {
			ch := sale.Choice{Tipo: tipo, Receptor: buyer(), Guia: guia()}
			spoil(&ch)
			wantField(t, tipo.String(), r.Choose(ch), want)
		}
	}
	for i, bad := range []struct {
		want  sale.Field
		spoil func(*sale.Guia)
	}{
		{sale.FieldTraslado, func(g *sale.Guia) { g.IndTraslado = 0 }},
		{sale.FieldTraslado, func(g *sale.Guia) { g.IndTraslado = 9 }},
		{sale.FieldRUT, func(g *sale.Guia) { g.IndTraslado = sale.TrasladoInterno }},
		{sale.FieldDestino, func(g *sale.Guia) { g.Transporte.Direccion = "" }},
		{sale.FieldDestino, func(g *sale.Guia) { g.Transporte.Direccion = strings.Repeat("d", 71) }},
		{sale.FieldComunaDestino, func(g *sale.Guia) { g.Transporte.Comuna = " " }},
		{sale.FieldPatente, func(g *sale.Guia) { g.Transporte.Patente = "ABCDE1234" }},
		{sale.FieldRUTChofer, func(g *sale.Guia) { g.Transporte.RUTChofer = 0 }},
		{sale.FieldChofer, func(g *sale.Guia) { g.Transporte.NombreChofer = "" }},
		{sale.FieldSalida, func(g *sale.Guia) { g.Transporte.FchSalida = dte.Date{Year: 2020, Month: 1, Day: 2} }},
		{sale.FieldHora, func(g *sale.Guia) { g.Transporte.HraSalida = "25:00:00" }},
	} {
		g := guia()
		bad.spoil(&g)
		wantField(t, fmt.Sprint("guía ", i), r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: g}), bad.want)
	}
	yesterday := dte.DateOf(dtetest.Now().AddDate(0, 0, -1))
	wantField(t, "vence", r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer(), Vence: yesterday}), sale.FieldVence)
	for _, bad := range []sale.Choice{
		{Receptor: buyer(), Vence: today()},
		{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia(), Vence: today()},
		{Tipo: dte.NotaCredito, Receptor: buyer()},
	} {
		if r.Choose(bad) == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if after := r.Snapshot().Cart; !reflect.DeepEqual(after, before) {
		t.Errorf("a refused choice left %+v", after)
	}
}

// A guía needs no payment: Charge issues it, with what the law wants of it, and says so in the record.
func TestGuiaIsIssuedWithoutPayment(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "7801234567894", "0,345*100", "200")
	must(t, r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia(), Lists: []string{"Mayorista"}}))
	must(t, r.SetReferences([]dte.Referencia{{TpoDocRef: "801", FolioRef: "OC-77", FchRef: today(), RazonRef: "Su pedido"}}))
	shown := r.Snapshot()
	if shown.Tipo != dte.GuiaDespacho || !slices.Equal(shown.Cart.Lists, []string{"Mayorista"}) {
		t.Fatalf("cart: %+v", shown)
	}
	must(t, r.Charge())
	s := r.Snapshot()
	if s.Stage != sale.Done || s.Last == nil || s.Last.Key.Tipo != dte.GuiaDespacho || s.Last.Payment.Unpaid != sale.PorGuia || len(s.Last.Payment.Tenders) != 0 {
		t.Fatalf("after Charge: %+v", s)
	}
	xml, _, err := j.Document(s.Last.Key)
	must(t, err)
	doc, err := dte.Verify(xml, dtetest.Trust())
	must(t, err)
	if doc.IndTraslado != 1 || doc.TipoDespacho != 2 || *doc.Transporte != guia().Transporte || doc.MntBruto {
		t.Errorf("guía: %+v %+v", doc.Draft, doc.Transporte)
	}
	if len(doc.Referencia) != 1 || doc.Referencia[0].FolioRef != "OC-77" || doc.Referencia[0].RazonRef != "Su pedido" {
		t.Errorf("references: %+v", doc.Referencia)
	}
	if doc.Detalle[0].Prc != 1_672_268_908 || doc.Detalle[2].IndExe != dte.Exento || doc.Detalle[2].Prc != money.PerUnit(1235) {
		t.Errorf("lines: %+v", doc.Detalle)
	}
	if doc.Totales.MntTotal != shown.Total || shown.Total != 1990+3102+1235-1 { // net prices: see makeNet
		t.Errorf("the screen said %s and the document %s", shown.Total, doc.Totales.MntTotal)
	}
	if shift := s.Shift.Paid[sale.Efectivo]; shift != 0 {
		t.Errorf("the drawer has %s of a guía", shift)
	}
	r.Next()
	if s = r.Snapshot(); s.Tipo != dte.Boleta || s.Cart.Guia != nil || len(s.Cart.Referencias)+len(s.Cart.Lists) != 0 {
		t.Errorf("the next sale begins with %+v", s.Cart)
	}
}

// The net prices of a guía add up to the gross ones, within half a peso for each line and its IVA.
func TestGuiaTotalIsThatOfTheGrossPrices(t *testing.T) {
	r, _ := newRegister(t)
	rapid.Check(t, func(t *rapid.T) {
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(r.Void("prueba"))
		n := rapid.IntRange(1, 8).Draw(t, "lines")
		var gross money.Pesos
		for i := range n {
			prc := money.Pesos(rapid.Int64Range(1, 2_000_000).Draw(t, "price"))
			line, err := r.Add(sale.Product{Codigo: fmt.Sprint(i), Nombre: "X", Prc: money.PerUnit(prc)}, money.Units(rapid.Int64Range(1, 99).Draw(t, "qty")))
			must(err)
			gross += line.Total
		}
		must(r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia()}))
		if off := r.Snapshot().Total - gross; off < -money.Pesos(n) || off > money.Pesos(n) {
			t.Fatalf("%d lines of %s gross make a guía of %s", n, gross, r.Snapshot().Total)
		}
	})
}

// Discounts of a guía are net too: the buyer sees what the counter promised, but for a peso of rounding.
func TestGuiaWithDiscounts(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "7801234567894", "100", "200")
	r.Select(1)
	must(t, r.SetLineOff(price.Off{Pesos: 990, By: price.By{Why: "Cliente frecuente"}}))
	must(t, r.SetTicketOff(price.Off{Pct: 1000, By: price.By{Why: "Cliente frecuente"}}))
	boleta := r.Snapshot().Total
	must(t, r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia()}))
	if got := r.Snapshot().Total; got < boleta-3 || got > boleta+3 || boleta >= 1990+8990+1235-990 {
		t.Errorf("the boleta says %s and the guía %s", boleta, got)
	}
	must(t, r.Charge())
}

func TestInternalGuiaGoesToTheCompanyItself(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "300")
	g := guia()
	g.IndTraslado = sale.TrasladoInterno
	must(t, r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Guia: g}))
	must(t, r.Charge())
	rec := *r.Snapshot().Last
	if rec.Receptor.RUT != saletest.Shop().Emisor.RUT {
		t.Errorf("it went to %+v", rec.Receptor)
	}
	if _, _, err := j.Document(rec.Key); err != nil {
		t.Error(err)
	}
}

// A factura on credit has its day and no payment; the same without a day is paid.
func TestFacturaOnCredit(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "200", "7801234567894")
	vence := today().AddMonths(1)
	must(t, r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer(), Vence: vence}))
	must(t, r.Charge())
	rec := *r.Snapshot().Last
	xml, _, err := j.Document(rec.Key)
	must(t, err)
	doc, err := dte.Verify(xml, dtetest.Trust())
	must(t, err)
	if rec.Payment.Unpaid != sale.ACredito || len(rec.Payment.Tenders) != 0 || doc.FmaPago != 2 || doc.FchVenc != vence || doc.MedioPago != "" {
		t.Errorf("record %+v, document %+v", rec.Payment, doc.Draft)
	}
	r.Next()
	scan(t, r, "200", "7801234567894")
	must(t, r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer()}))
	must(t, r.Charge())
	if s := r.Snapshot(); s.Stage != sale.Paying || s.Due != 3225 {
		t.Errorf("a factura that is paid now: %+v", s)
	}
	if _, err := r.Issue(); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("it was issued without a payment: %v", err)
	}
}

// A failure leaves the counter selling, and the next Charge issues the same sale once.
func TestGuiaThatFailsIsIssuedOnce(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "300")
	must(t, r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia()}))
	j.issueErr = errors.New("el disco está lleno")
	if err := r.Charge(); err == nil || r.Snapshot().Stage != sale.Selling {
		t.Fatalf("%v, %s", err, r.Snapshot().Stage)
	}
	j.issueErr = nil
	must(t, r.Charge())
	first := r.Snapshot().Last.Key
	if n, err := j.FoliosLeft(dte.GuiaDespacho, today()); err != nil || n != 49 || first.Folio != 1 {
		t.Errorf("%d folios left after %v: %v", n, first, err)
	}
}

// If nobody knows whether it was written, the same call asks again; nothing can be tendered for it.
func TestGuiaOfWhichNobodyKnows(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "300")
	must(t, r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia()}))
	j.issueErr, j.saleErr = sale.ErrUnknown, errors.New("el archivo no abre")
	if err := r.Charge(); err == nil || !strings.HasPrefix(err.Error(), "el archivo no abre. ") {
		t.Fatal(err)
	}
	if s := r.Snapshot(); s.Stage != sale.Paying || s.Due != 0 {
		t.Fatalf("in doubt: %+v", s)
	}
	if err := r.Tender(sale.Efectivo, 0, ""); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("a guía was paid: %v", err)
	}
	if _, err := r.Issue(); err == nil || strings.Contains(err.Error(), "No se emitió nada") || !strings.Contains(err.Error(), "averigua primero") {
		t.Errorf("while nobody knows whether it was issued: %v", err)
	}
	j.issueErr, j.saleErr = nil, nil
	if rec, err := r.Issue(); err != nil || rec.Payment.Unpaid != sale.PorGuia {
		t.Errorf("%+v, %v", rec.Payment, err)
	}
}

func TestReferences(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "300")
	good := dte.Referencia{TpoDocRef: "HES", FolioRef: "4500012345", FchRef: today()}
	if err := r.SetReferences([]dte.Referencia{good}); err == nil {
		t.Error("a boleta refers to a HES")
	}
	must(t, r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer()}))
	must(t, r.SetReferences(slices.Repeat([]dte.Referencia{good}, 40)))
	if r.SetReferences(slices.Repeat([]dte.Referencia{good}, 41)) == nil {
		t.Error("41 references were taken")
	}
	for want, spoil := range map[sale.Field]func(*dte.Referencia){
		sale.FieldTipoRef:  func(r *dte.Referencia) { r.TpoDocRef = "999" },
		sale.FieldFolioRef: func(r *dte.Referencia) { r.FolioRef = " " },
		sale.FieldFechaRef: func(r *dte.Referencia) { r.FchRef = dte.Date{} },
		sale.FieldRazonRef: func(r *dte.Referencia) { r.RazonRef = strings.Repeat("x", 91) },
	} {
		bad := good
		spoil(&bad)
		wantField(t, string(want), r.SetReferences([]dte.Referencia{bad}), want)
	}
	late, long := good, good
	late.FchRef, long.FolioRef = dte.DateOf(dtetest.Now().AddDate(0, 0, 1)), strings.Repeat("1", 19)
	wantField(t, "tomorrow's", r.SetReferences([]dte.Referencia{late}), sale.FieldFechaRef)
	wantField(t, "too long", r.SetReferences([]dte.Referencia{long}), sale.FieldFolioRef)
	if n := len(r.Snapshot().Cart.Referencias); n != 40 {
		t.Errorf("a refused reference left %d", n)
	}
	if r.SetTipo(dte.Boleta) == nil {
		t.Error("a boleta took over the references of a factura")
	}
	must(t, r.SetReferences(nil))
	must(t, r.SetTipo(dte.Boleta))
}

// What a sale that waited aside says of its document is looked at again.
func TestACreditThatGrewOldIsRefused(t *testing.T) {
	d, _ := newDeps(t)
	now := dtetest.Now()
	d.Now = func() time.Time { return now }
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "7801234567894")
	must(t, r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer(), Vence: today()}))
	now = now.AddDate(0, 0, 1)
	wantField(t, "tomorrow", r.Charge(), sale.FieldVence)
}

// Another buyer does not buy by the lists of the first.
func TestListsGoWithTheirBuyer(t *testing.T) {
	r, _ := newRegister(t)
	must(t, r.Choose(sale.Choice{Receptor: buyer(), Lists: []string{"Mayorista"}}))
	same := buyer()
	same.Giro = "Otro"
	must(t, r.SetReceptor(same))
	if lists := r.Snapshot().Cart.Lists; len(lists) != 1 {
		t.Errorf("the same buyer has %q", lists)
	}
	must(t, r.SetReceptor(dte.Receptor{}))
	if lists := r.Snapshot().Cart.Lists; len(lists) != 0 {
		t.Errorf("nobody has %q", lists)
	}
}

func TestParseDay(t *testing.T) {
	want := dte.Date{Year: 2026, Month: 3, Day: 16}
	for _, text := range []string{"16-03-2026", "16/3/26", "2026-03-16", " 16.03.2026 ", "16 3 2026"} {
		if got, err := sale.ParseDay(text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "16-03", "31-02-2026", "hoy", "16-03-2026 y más", "1603-2026-1-1"} {
		if got, err := sale.ParseDay(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// A guía that was written although the disk said that nobody knows is issued: the cashier is told so, and not that it failed.
func TestGuiaThatWasWrittenAllTheSame(t *testing.T) {
	d, j := newDeps(t)
	d.Journal = &doubtful{Memory: j.Memory, stores: true, failures: 1}
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "300")
	must(t, r.Choose(sale.Choice{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia()}))
	if err := r.Charge(); err != nil || r.Snapshot().Stage != sale.Done || r.Snapshot().Last.Key.Folio != 1 {
		t.Errorf("%v, %s", err, r.Snapshot().Stage)
	}
}
