package sale_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// What the till does about each code that rejects: one act, and no other.
var acts = map[string]sale.Act{
	"CAF-3-514": "", "CAF-3-516": "", "CAF-3-517": sale.ActReissue, "CRT-3-19": sale.ActResend,
	"DTE-3-100": sale.ActResend, "DTE-3-101": sale.ActReissue, "DTE-3-505": "", "DTE-3-601": sale.ActReissue,
	"ENV-3-0": sale.ActCorrect, "ENV-3-6": sale.ActResend,
	"HED-3-211": sale.ActCorrect, "HED-3-305": sale.ActReissue, "HED-2-804": sale.ActReissue, "HED-3-834": "", "HED-3-861": sale.ActCorrect,
	"REF-2-768": sale.ActReissue, "REF-2-780": sale.ActReissue, "REF-2-781": sale.ActReissue,
	"REF-3-415": sale.ActCorrect, "REF-3-750": sale.ActResend, "REF-3-751": sale.ActCorrect, "REF-3-758": sale.ActCorrect,
	"TED-2-510": "", "TED-3-640": "", "SCH-00001": "", "SCH-00009": "", "LPX-00007": "", "CHR-00002": "", "LSX-00204": "",
	"RSC": "", "RFR": sale.ActResend, "RCT": sale.ActResend, "RCH": "", "RCO": "", "VOF": "", "FNA": "",
	"FAN": sale.ActReissue, "EMP": sale.ActReissue, "DNK": sale.ActReissue,
	"": sale.ActReissue, "XYZ-3-999": sale.ActReissue, // nobody knows: with the accountant's word, and never on that folio
}

func TestEachCodeHasOneAct(t *testing.T) {
	k := key(39, 1198)
	for code, want := range acts {
		v := dte.Veredicto{Key: k, State: dte.Rejected, Codigo: code}
		if got := offered(v); got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
		for _, act := range []sale.Act{sale.ActResend, sale.ActCorrect, sale.ActReissue, sale.ActNote} {
			r := sale.Remedy{Key: k, Act: act, Who: "Rosa", Why: "prueba"}
			err := r.Allowed(dte.Rejected, v, nil)
			if (err == nil) != (act == want) {
				t.Errorf("%q, %s: %v", code, act, err)
			}
			if err != nil {
				inWords(t, err, "No se cambió nada", "El SII dijo")
			}
			for _, held := range []dte.State{dte.Accepted, dte.Objected} {
				if err := r.Allowed(held, dte.Veredicto{Key: k, State: held, Codigo: code}, nil); err == nil || !strings.Contains(err.Error(), "sólo una nota de crédito") {
					t.Errorf("%q, %s of what the SII holds: %v", code, act, err)
				}
			}
			for _, on := range []dte.State{dte.Issued, dte.Enveloped, dte.Sending, dte.Unknown, dte.Sent} {
				if err := r.Allowed(on, dte.Veredicto{}, nil); err == nil || !strings.Contains(err.Error(), "no está rechazada") {
					t.Errorf("%q, %s of what is under way: %v", code, act, err)
				}
			}
		}
	}
	for code, want := range map[string]sale.Act{"DTE-1-650": "", "HED-1-232": sale.ActNote, "TED-1-647": "", "HED-2-804": sale.ActNote, "": sale.ActNote} {
		if got := offered(dte.Veredicto{Key: k, State: dte.Objected, Codigo: code}); got != want {
			t.Errorf("objected with %q: %q, want %q", code, got, want)
		}
	}
}

// inWords demands a refusal that says these things.
func inWords(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !errors.Is(err, sale.ErrRemedy) || !strings.Contains(err.Error(), part) {
			t.Errorf("refused without %q: %v", part, err)
		}
	}
}

// offered is the only act for a verdict; empty for none.
func offered(v dte.Veredicto) sale.Act {
	acts := sale.ActsFor(v)
	switch len(acts) {
	case 0:
		return ""
	case 1:
		return acts[0]
	}
	return "several"
}

// Of a refused factura the SII tells only that it has no such document: every act is possible, and none but these.
func TestANotReceivedFacturaHasEveryAct(t *testing.T) {
	v := dte.Veredicto{State: dte.Rejected, Codigo: "FAU"}
	if got := fmt.Sprint(sale.ActsFor(v)); got != "[corregir reenviar otro-folio]" {
		t.Errorf("offered: %s", got)
	}
	for act, want := range map[sale.Act]bool{sale.ActResend: true, sale.ActCorrect: true, sale.ActReissue: true, sale.ActNote: false} {
		r := sale.Remedy{Key: key(33, 1), Act: act, Who: "Rosa", Why: "prueba"}
		if err := r.Allowed(dte.Rejected, v, nil); (err == nil) != want {
			t.Errorf("%s: %v", act, err)
		}
	}
}

// A file that somebody imported is no word of the SII: nothing is done about it until the line confirms it.
func TestAFileAllowsNoAct(t *testing.T) {
	for code := range acts {
		v := dte.Veredicto{State: dte.Rejected, Codigo: code, Fuente: dte.FuenteArchivo}
		if got := sale.ActsFor(v); len(got) != 0 {
			t.Errorf("%q: %v is offered", code, got)
		}
		for _, act := range []sale.Act{sale.ActResend, sale.ActCorrect, sale.ActReissue} {
			inWords(t, sale.Remedy{Key: key(33, 1), Act: act, Who: "Rosa", Why: "prueba"}.Allowed(dte.Rejected, v, nil), "espere a que la caja lo confirme")
		}
	}
}

func TestAlarmsOfferTheAct(t *testing.T) {
	for code, want := range acts {
		a := one(t, sale.Facts{Rejected: []sale.Task{{Key: key(39, 1198), Veredicto: dte.Veredicto{State: dte.Rejected, Codigo: code}}}})
		if got := fmt.Sprint(a.Acts); got != strings.Replace(fmt.Sprintf("[%s]", want), "[ ]", "[]", 1) {
			t.Errorf("%q: the alarm offers %s, want %q", code, got, want)
		}
	}
}

// refusedFactura is a sale of two lines that the SII refused.
func refusedFactura(t *testing.T, d sale.Deps, j *journal, code string) (sale.Record, *dte.Document) {
	t.Helper()
	draft := dte.Draft{
		Tipo: dte.Factura, Receptor: buyer(), FmaPago: 1, MntBruto: true,
		Detalle: []dte.Linea{
			{Nombre: "Bebida cola", Qty: 2 * money.One, Prc: money.PerUnit(1990)},
			{Nombre: "Pasaje", Qty: money.One, Prc: money.PerUnit(1235), IndExe: dte.Exento},
		},
		Referencia: []dte.Referencia{{TpoDocRef: "801", FolioRef: "44", FchRef: dte.DateOf(d.Now()), RazonRef: "orden de compra"}},
	}
	r, err := sale.IssueOrder(d, sale.Order{ID: "f1", Draft: draft, Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Tarjeta, Amount: 5215, Received: 5215}}}})
	must(t, err)
	must(t, j.Decide(dte.Veredicto{Key: r.Key, State: dte.Rejected, Codigo: code, At: d.Now()}))
	return r, stored(t, j, r.Key)
}

func stored(t *testing.T, j sale.Journal, k dte.Key) *dte.Document {
	t.Helper()
	xml, _, err := j.Document(k)
	must(t, err)
	doc, err := dte.Verify(xml, dtetest.Trust())
	must(t, err)
	return doc
}

// later is the shop some days on.
func later(d sale.Deps, days int) sale.Deps {
	now := d.Now().AddDate(0, 0, days)
	d.Now = func() time.Time { return now }
	return d
}

func TestCorrectAndIssueUnderTheSameFolio(t *testing.T) {
	d, j := newDeps(t)
	was, before := refusedFactura(t, d, j, "HED-3-211")
	d = later(d, 2)
	c, err := sale.CorrectionOf(d, was.Key)
	must(t, err)
	if err := sale.CheckCorrection(d, c); !errors.Is(err, sale.ErrRemedy) || !errors.Is(err, sale.ErrNoChange) {
		t.Errorf("a correction that changes nothing: %v", err)
	}
	if _, err := sale.Correct(d, c, "Rosa", "nada"); !errors.Is(err, sale.ErrRemedy) {
		t.Errorf("nothing changed, and it was issued: %v", err)
	}
	c.Receptor.RUT, c.Receptor.RznSoc, c.Receptor.Comuna = 76192083, "COMERCIAL ÑUÑOA SpA", "Ñuñoa"
	c.Referencia[0].FolioRef, c.Referencia[0].RazonRef = "45", "orden de compra corregida"
	c.TermPagoGlosa = "contado"
	must(t, sale.CheckCorrection(d, c))
	var now sale.Record
	for range 2 {
		now, err = sale.Correct(d, c, "Rosa", "la referencia estaba mal")
		must(t, err)
	}
	after := stored(t, j, was.Key)
	if now.Key != was.Key || now.ID != was.ID || now.At != was.At || now.SHA256 == was.SHA256 || now.Receptor.Comuna != "Ñuñoa" {
		t.Errorf("record %+v", now)
	}
	if after.Receptor.RUT != 76192083 || after.Referencia[0].FolioRef != "45" || after.TermPagoGlosa != "contado" {
		t.Errorf("corrected to %+v %+v", after.Receptor, after.Referencia)
	}
	same := func(d *dte.Document) string {
		return fmt.Sprint(d.FchEmis, d.Folio, d.Emisor, d.Detalle, d.Montos, d.Totales, d.FmaPago, d.CAFIDK)
	}
	if same(after) != same(before) {
		t.Errorf("what was sold changed:\n%s\n%s", same(before), same(after))
	}
	if want := dte.DateOf(d.Now()); dte.DateOf(after.TmstFirma) != want || after.FchEmis == want {
		t.Errorf("signed on %s with date %s", dte.DateOf(after.TmstFirma), after.FchEmis)
	}
	if past, err := j.Remedies(was.Key); err != nil || len(past) != 1 {
		t.Errorf("%d acts (%v)", len(past), err)
	}
	c.Receptor.Comuna = "Lota" // another correction needs another refusal
	if _, err := sale.Correct(d, c, "Rosa", "otra vez"); !errors.Is(err, sale.ErrRemedy) {
		t.Errorf("corrected while it waits: %v", err)
	}
	must(t, j.Decide(dte.Veredicto{Key: was.Key, State: dte.Rejected, Codigo: "HED-3-211"}))
	_, err = sale.Correct(d, c, "Rosa", "otra vez")
	must(t, err)
	if comuna := stored(t, j, was.Key).Receptor.Comuna; comuna != "Lota" {
		t.Errorf("the second correction says %q", comuna)
	}
}

func TestACorrectionObeysTheLaw(t *testing.T) {
	d, j := newDeps(t)
	was, _ := refusedFactura(t, d, j, "HED-3-211")
	for name, spoil := range map[string]func(*sale.Correction){
		"no giro":      func(c *sale.Correction) { c.Receptor.Giro = "" },
		"no RUT":       func(c *sale.Correction) { c.Receptor.RUT = 0 },
		"long address": func(c *sale.Correction) { c.Receptor.Direccion = strings.Repeat("x", 71) },
		"long reason":  func(c *sale.Correction) { c.Referencia[0].RazonRef = strings.Repeat("x", 91) },
	} {
		c, err := sale.CorrectionOf(d, was.Key)
		must(t, err)
		spoil(&c)
		var faults dte.FaultErrors
		if err := sale.CheckCorrection(d, c); !errors.As(err, &faults) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := sale.Correct(d, c, "Rosa", "prueba"); !errors.As(err, &faults) {
			t.Errorf("%s was issued: %v", name, err)
		}
	}
	if past, err := j.Remedies(was.Key); err != nil || len(past) != 0 {
		t.Errorf("%d acts (%v)", len(past), err)
	}
}

// The codes of activity are the company's: once mended in the shop, the document takes them.
func TestACorrectionTakesTheShopsActivity(t *testing.T) {
	d, j := newDeps(t)
	was, before := refusedFactura(t, d, j, "HED-3-861")
	c, err := sale.CorrectionOf(d, was.Key)
	must(t, err)
	d.Shop.Emisor.Acteco = []int{477310}
	_, err = sale.Correct(d, c, "Rosa", "acteco")
	must(t, err)
	if after := stored(t, j, was.Key); fmt.Sprint(after.Emisor.Acteco) != "[477310]" || after.Emisor.Giro != before.Emisor.Giro {
		t.Errorf("issued by %+v", after.Emisor)
	}
}

func TestReissueKeepsTheOperation(t *testing.T) {
	d, j := newDeps(t)
	was, before := refusedFactura(t, d, j, "DTE-3-101")
	_, err := j.OpenShift(d.Now(), "", 0)
	must(t, err)
	d = later(d, 2)
	var now sale.Record
	for range 2 {
		now, err = sale.Reissue(d, was.Key, "Rosa", "folio repetido")
		must(t, err)
	}
	after := stored(t, j, now.Key)
	if now.Key.Folio != was.Key.Folio+1 || now.Replaces != was.Key || now.Total != was.Total || now.Shift != 0 {
		t.Errorf("record %+v", now)
	}
	if after.FchEmis != before.FchEmis || fmt.Sprint(after.Detalle, after.Receptor, after.Referencia, after.Totales) != fmt.Sprint(before.Detalle, before.Receptor, before.Referencia, before.Totales) {
		t.Errorf("the operation changed: %+v", after.Draft)
	}
	if shift, err := j.CurrentShift(); err != nil || shift.Sales != 0 {
		t.Errorf("cash moved twice: %+v %v", shift, err)
	}
	if err := sale.Resend(d, was.Key, "Rosa", "prueba"); err == nil || !strings.Contains(err.Error(), "ya se emitió de nuevo como factura 2") {
		t.Errorf("what has another folio was sent again: %v", err)
	}
}

// A folio that was authorised after the operation cannot have its date.
func TestReissueWithYoungerFolios(t *testing.T) {
	d, j := newDeps(t)
	was, _ := refusedFactura(t, d, j, "CAF-3-517")
	for i := range 49 {
		must(t, issueSmall(d, sale.ID(fmt.Sprint("x", i))))
	}
	d = later(d, 2)
	caf, _ := dtetest.CAF(was.Key.Emisor, dte.Factura, 100, 110, dte.DateOf(d.Now()))
	must(t, j.AddCAF(caf))
	now, err := sale.Reissue(d, was.Key, "Rosa", "CAF vencido")
	must(t, err)
	if after := stored(t, j, now.Key); after.Folio != 100 || after.FchEmis != dte.DateOf(d.Now()) {
		t.Errorf("folio %d dated %s", after.Folio, after.FchEmis)
	}
}

func issueSmall(d sale.Deps, id sale.ID) error {
	_, err := sale.IssueOrder(d, sale.Order{ID: id, Draft: dte.Draft{
		Tipo: dte.Factura, Receptor: buyer(), Detalle: []dte.Linea{{Nombre: "Dulce", Qty: money.One, Prc: money.PerUnit(100)}},
	}})
	return err
}

func TestResendChangesNoByte(t *testing.T) {
	d, j := newDeps(t)
	was, before := refusedFactura(t, d, j, "REF-3-750")
	for range 2 {
		must(t, sale.Resend(later(d, 1), was.Key, "Rosa", "la otra ya llegó"))
	}
	if after := stored(t, j, was.Key); string(after.XML) != string(before.XML) {
		t.Error("the bytes changed")
	}
	if state, _, err := j.DocumentState(was.Key); err != nil || state != dte.Issued {
		t.Errorf("%s %v", state, err)
	}
	if err := sale.Resend(d, key(33, 9), "Rosa", "x"); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("a document of nobody: %v", err)
	}
}
