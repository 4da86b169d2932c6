package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

const (
	tab, down, up = fyne.KeyTab, fyne.KeyDown, fyne.KeyUp
	pageUp        = fyne.KeyPageUp
)

// counter is a world with customers and an article, where nothing waits.
func counter(t *testing.T) *world {
	x := newWorld(t)
	known(x)
	x.scan(leche)
	x.pass(time.Second)
	return x
}

func (x *world) sheet() *sheet {
	x.t.Helper()
	switch d := x.w.dialog.(type) {
	case *customerDialog:
		return d.sheet
	case *guiaDialog:
		return d.sheet
	case *referencesDialog:
		return d.sheet
	}
	x.t.Fatalf("the dialogue is %T", x.w.dialog)
	return nil
}

// atLine fails unless the typing is at this line.
func (x *world) atLine(name sale.Field) {
	x.t.Helper()
	s := x.sheet()
	if s.lines[s.at].name != name {
		x.t.Fatalf("the cursor is at %s, not at %s", s.lines[s.at].name, name)
	}
	x.typingIsAt(s.line(name).field)
}

// A customer is found by a part of his RUT, of his name or of his telephone, and taken with Enter; his price lists go
// into the sale.
func TestFindACustomer(t *testing.T) {
	for _, typed := range []string{"76.192", "76192083-9", "aromos", "comercial aramos", "987654"} {
		x := counter(t)
		x.press(f3, f3)
		x.enter(typed)
		x.sees("Cliente guardado")
		x.press(enter) // accepts
		x.seesNot("Cliente y documento")
		s := x.snap()
		if s.Cart.Receptor != saletest.Buyer().Receptor() || s.Tipo != dte.Factura || !slices.Equal(s.Cart.Lists, saletest.Buyer().Lists) {
			t.Errorf("%q: %+v", typed, s.Cart)
		}
		x.typingIsAt(x.w.sink)
	}
}

// Among several the arrows choose; a name that is being written is not taken over by what resembles it.
func TestChooseAmongCustomers(t *testing.T) {
	x := counter(t)
	x.press(f3)
	x.finger("comercial")
	x.sees("Comercial Los Aromos Limitada", "Comercial San Pedro SpA")
	x.press(down, down, up, enter)
	if d := x.sheet(); d.said(sale.FieldRznSoc) != "Comercial San Pedro SpA" {
		t.Errorf("the second one is %q", d.said(sale.FieldRznSoc))
	}
	x.press(esc, f3, tab)
	x.atLine(sale.FieldRznSoc)
	x.enter("Comercial")
	x.atLine(sale.FieldGiro)
	if d := x.sheet(); d.said(sale.FieldRznSoc) != "Comercial" {
		t.Errorf("the name became %q", d.said(sale.FieldRznSoc))
	}
}

// A RUT that is written in full fills the rest in by itself, if it is known.
func TestAKnownRUTFillsIn(t *testing.T) {
	x := counter(t)
	x.press(f3, f3)
	x.finger("76192083-9")
	x.press(f12)
	x.seesNot("Cliente y documento")
	if got := x.snap().Cart.Receptor; got != saletest.Buyer().Receptor() {
		t.Errorf("the buyer is %+v", got)
	}
}

// Nothing is learnt silently: a new customer is there the next time only if F8 was pressed.
func TestACustomerIsSavedOnlyOnDemand(t *testing.T) {
	x := counter(t)
	for _, save := range []bool{false, true} {
		x.press(f3, f3)
		x.sheet().goTo(0)
		x.finger("60803000-K")
		x.sees("Cliente nuevo: F8 lo guarda")
		x.press(tab)
		for _, text := range []string{"Servicio Nuevo", "Giro", "Calle 1", "maip"} {
			x.enter(text)
		}
		if save {
			x.press(fyne.KeyF8)
			x.sees("Servicio Nuevo quedó guardado", "Cliente guardado")
		}
		x.press(f12)
		x.seesNot("Cliente y documento")
		got, err := x.buyers.Customer(60803000)
		if save != (err == nil) {
			t.Errorf("saved %v: %+v, %v", save, got, err)
		}
		if save && (got.Comuna != "Maipú" || got.Version != 1 || got.Giro != "Giro") {
			t.Errorf("kept as %+v", got)
		}
		x.press(f3)
		x.tap("Sin cliente")
	}
}

// Saving from a sale keeps what only the book shows.
func TestSavingFromASaleKeepsListsAndNotes(t *testing.T) {
	x := counter(t)
	x.press(f3)
	x.enter("aromos")
	x.sheet().goTo(x.sheet().index(sale.FieldTelefono))
	x.press(fyne.KeyBackspace)
	x.finger("9")
	x.press(fyne.KeyF8)
	got, err := x.buyers.Customer(saletest.Buyer().RUT)
	if err != nil || got.Telefono != "+56 9 8765 4329" || got.Notes != saletest.Buyer().Notes || len(got.Lists) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	x.buyers.fail = errors.New("el disco está lleno")
	x.finger("1")
	x.press(fyne.KeyF8)
	x.sees("El disco está lleno.")
}

// Whatever is missing or wrong is named, and the cursor stands there.
func TestTheCursorStandsAtWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		tipo  fyne.KeyName
		clear sale.Field
		write string
		says  string
	}{
		{f3, sale.FieldRUT, "", "falta el RUT"},
		{f3, sale.FieldRUT, "76192083-8", "dígito verificador"},
		{f3, sale.FieldRznSoc, "", "falta la razón social"},
		{f3, sale.FieldGiro, "", "falta el giro"},
		{f3, sale.FieldDireccion, "", "falta la dirección"},
		{f3, sale.FieldComuna, "", "falta la comuna"},
		{f3, sale.FieldCorreo, "nada", "no es una dirección"},
		{f3, sale.FieldVence, "ayer", "se escribe"},
		{f3, sale.FieldVence, "01-01-2026", "ya pasó"},
		{f2, sale.FieldVence, "30", "ólo una factura"},
		{f5, sale.FieldGiro, "", "emitir guía de despacho falta el giro"},
	} {
		x := counter(t)
		x.press(f3, c.tipo)
		x.enter("aromos")
		x.sheet().write(c.clear, c.write)
		x.press(f12)
		x.atLine(c.clear)
		if problem := x.sheet().problem.words; !strings.Contains(problem, c.says) {
			t.Errorf("%s says %q, want %q", c.clear, problem, c.says)
		}
		if s := x.snap(); s.Cart.Receptor != (dte.Receptor{}) || s.Tipo != dte.Boleta {
			t.Errorf("%s: the sale became %+v", c.clear, s.Cart)
		}
	}
}

func TestComunasAsTheSIIWritesThem(t *testing.T) {
	x := counter(t)
	x.press(f3, tab, tab, tab, tab)
	x.atLine(sale.FieldComuna)
	x.finger("san")
	x.sees("Santiago", "San Antonio")
	x.press(down, enter)
	x.atLine(sale.FieldCiudad)
	d := x.sheet()
	if got := d.said(sale.FieldComuna); got != "Santiago" {
		t.Errorf("the second one is %q", got)
	}
	x.press(up)
	d.write(sale.FieldComuna, "")
	x.finger("Macondo")
	x.sees("«Macondo» no es una comuna de la lista")
	x.press(enter)
	if got := d.said(sale.FieldComuna); got != "Macondo" {
		t.Errorf("free text became %q", got)
	}
}

// F12 without Enter does not get past the list either.
func TestAComunaInOnesOwnSpelling(t *testing.T) {
	x := counter(t)
	x.press(f3, f3)
	x.enter("aromos")
	x.sheet().write(sale.FieldComuna, "NUNOA")
	x.press(f12)
	if got := x.snap().Cart.Receptor.Comuna; got != "Ñuñoa" {
		t.Errorf("the document says %q", got)
	}
}

func TestGirosAreOffered(t *testing.T) {
	x := counter(t)
	x.press(f3, tab, tab)
	x.atLine(sale.FieldGiro)
	x.sees("Ferretería", "Venta de abarrotes")
	x.finger("abar")
	x.seesNot("Ferretería")
	x.press(down, enter)
	if got := x.sheet().said(sale.FieldGiro); got != "Venta de abarrotes" {
		t.Errorf("giro %q", got)
	}
}

// By keyboard alone: buyer, credit, references, and a factura without a payment.
func TestFacturaOnCreditWithReferences(t *testing.T) {
	x := counter(t)
	x.press(f3, f3)
	x.enter("aromos")
	x.press(f7)
	x.sees("A crédito: vence el 15-04-2026")
	x.press(f6)
	x.sees("Referencias del documento")
	x.enter("orden")
	x.atLine(sale.FieldFolioRef)
	x.enter("OC-4512")
	x.press(enter)
	x.enter("Su pedido")
	x.enter("HES")
	x.enter("77")
	x.press(enter, enter)
	x.enter("52")
	x.press(f9)
	x.atLine(sale.FieldFolioRef) // without a number it is refused
	x.sees("Falta el número del documento.")
	x.finger("9")
	x.press(f9, pageUp, pageUp, fyne.KeyF4) // the first one goes
	x.sees("EN EL DOCUMENTO: 2 DE 40")
	x.press(f12)
	x.sees("Cliente y documento", "Referencias (2)")
	x.press(f12)
	x.sees("Factura a crédito", "EMITIR")
	x.press(f12)
	x.sees("SIN PAGO", "A crédito", "Factura 1.204")
	r := x.last()
	if r.Key.Tipo != dte.Factura || r.Payment.Unpaid != sale.ACredito || len(r.Payment.Tenders) != 0 {
		t.Errorf("issued %+v", r)
	}
	doc := x.document(r)
	if doc.FmaPago != 2 || doc.FchVenc != (dte.Date{Year: 2026, Month: 4, Day: 15}) || len(doc.Referencia) != 2 ||
		doc.Referencia[0].TpoDocRef != "HES" || doc.Referencia[1].TpoDocRef != "52" || doc.Referencia[1].FolioRef != "9" {
		t.Errorf("document %+v", doc.Draft)
	}
}

func (x *world) document(r sale.Record) *dte.Document {
	x.t.Helper()
	xml, _, err := x.journal.Document(r.Key)
	if err != nil {
		x.t.Fatal(err)
	}
	doc, err := dte.Parse(xml)
	if err != nil {
		x.t.Fatal(err)
	}
	return doc
}

// By keyboard alone: a guía with everything that the law asks for.
func TestGuia(t *testing.T) {
	x := counter(t)
	x.press(f3, f5)
	x.enter("aromos")
	x.press(f12)
	x.sees("Guía de despacho", "Por qué se traslada")
	x.press(down, down, enter) // 3 Consignación
	x.press(tab)               // we deliver
	x.enter("")                // to the buyer's address
	x.sheet().write(sale.FieldComunaDestino, "")
	x.press(f12)
	x.sees("Falta la comuna de destino.")
	x.atLine(sale.FieldComunaDestino)
	x.enter("nuno")
	x.enter("ABCD12")
	x.press(enter)
	x.enter("11111111-2")
	x.press(f12)
	x.atLine(sale.FieldRUTChofer)
	x.press(fyne.KeyBackspace)
	x.finger("1")
	x.press(f12)
	x.sees("Falta el nombre del chofer.")
	x.atLine(sale.FieldChofer)
	x.enter("Juan Peña")
	x.press(enter)
	x.enter("15:30")
	x.seesNot("Por qué se traslada")
	x.sees("Guía de despacho", "EMITIR")
	x.press(f12)
	x.sees("SIN PAGO", "Guía de despacho 1.204")
	r := x.last()
	doc := x.document(r)
	want := dte.Transporte{
		Direccion: "Av. Matta 123", Comuna: "Ñuñoa", Patente: "ABCD12", RUTChofer: 11111111, NombreChofer: "Juan Peña",
		FchSalida: dte.Date{Year: 2026, Month: 3, Day: 16}, HraSalida: "15:30:00",
	}
	if doc.Tipo != dte.GuiaDespacho || doc.IndTraslado != 3 || doc.TipoDespacho != 2 || *doc.Transporte != want || r.Payment.Unpaid != sale.PorGuia {
		t.Errorf("issued %+v, %+v", doc.Draft, doc.Transporte)
	}
}

// Goods that move within the company need no buyer.
func TestInternalGuia(t *testing.T) {
	x := counter(t)
	x.press(f3, f5, f12)
	x.press(down, down, down, down, enter) // 5 Traslado interno
	x.press(tab)
	x.enter("Bodega 2")
	x.enter("maip")
	x.press(f12)
	x.seesNot("Por qué se traslada")
	if r := x.snap().Cart.Receptor; r.RUT != saletest.Shop().Emisor.RUT {
		t.Errorf("it goes to %+v", r)
	}
}

// Escape goes back one step and keeps what was written; from the first it leaves the sale as it was.
func TestEscapeFromWithin(t *testing.T) {
	x := counter(t)
	x.press(f3, f3)
	x.enter("aromos")
	x.press(f6)
	x.enter("801")
	x.press(esc)
	x.sees("Cliente y documento")
	if got := x.sheet().said(sale.FieldGiro); got != saletest.Buyer().Giro {
		t.Errorf("the giro is %q", got)
	}
	x.press(f5, f12, esc)
	x.sees("Cliente y documento")
	x.press(esc)
	x.seesNot("Cliente y documento")
	if s := x.snap(); s.Tipo != dte.Boleta || s.Cart.Receptor != (dte.Receptor{}) || len(s.Cart.Referencias) != 0 {
		t.Errorf("the sale became %+v", s.Cart)
	}
}

// What was chosen is there when the dialogue opens again, and a boleta does not take references over.
func TestTheChoiceIsRemembered(t *testing.T) {
	x := counter(t)
	x.press(f3, f3)
	x.enter("aromos")
	x.press(f7, f6)
	x.enter("801")
	x.enter("1")
	x.press(f12, f12, f3)
	x.sees("Referencias (1)", "Cliente guardado")
	if got := x.sheet().said(sale.FieldVence); got != "15-04-2026" {
		t.Errorf("it falls due on %q", got)
	}
	x.sheet().write(sale.FieldVence, "")
	x.press(f2, f12)
	x.sees("Una boleta no lleva referencias")
	x.press(f6, fyne.KeyF4, f12, f12)
	if s := x.snap(); s.Tipo != dte.Boleta || len(s.Cart.Referencias) != 0 || s.Cart.Receptor.RUT != saletest.Buyer().RUT {
		t.Errorf("the sale is %+v", s.Cart)
	}
}

// From the menu customers are looked for, corrected and added, and the open sale stays as it is.
func TestTheBookOfCustomers(t *testing.T) {
	x := counter(t)
	x.press(f11)
	x.choose("Clientes")
	x.sees("Ana Pérez Soto", "Ferretería Lautaro")
	x.enter("lautaro")
	x.sheet().goTo(x.sheet().index(sale.FieldLists))
	x.finger("Maestros, Mayorista")
	x.press(f12)
	x.sees("Ferretería Lautaro quedó guardado")
	found, err := x.buyers.FindCustomers("lautaro", 1)
	if err != nil || len(found) != 1 || !slices.Equal(found[0].Lists, []string{"Maestros", "Mayorista"}) || found[0].Version != 2 {
		t.Errorf("%+v, %v", found, err)
	}
	x.atLine(sale.FieldRUT) // and the next
	x.press(f12)
	x.sees("Falta el RUT del cliente.")
	x.enter("60803000-K")
	x.press(f12)
	x.atLine(sale.FieldRznSoc)
	x.enter("Servicio")
	x.press(f12)
	if _, err := x.buyers.Customer(60803000); err != nil {
		t.Error(err)
	}
	x.press(esc)
	if s := x.snap(); s.Cart.Receptor != (dte.Receptor{}) || len(s.Cart.Lines) != 1 {
		t.Errorf("the sale became %+v", s.Cart)
	}
}
