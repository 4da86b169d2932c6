package shop

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
	"mostrador/sale"
)

// refusing is a practice shop beside a simulator that the test can tell to refuse.
func refusing(t *testing.T) (*Shop, *siisim.Sim) {
	t.Helper()
	o := practice(t)
	sim, url, stop, err := StartSimulator(o)
	must(t, err)
	t.Cleanup(stop)
	o.Simulator, o.Pace = url, quick
	return opened(t, o), sim
}

func sellFactura(t *testing.T, s *Shop, id sale.ID) sale.Record {
	t.Helper()
	r, err := s.issue(sale.Order{ID: id, Draft: dte.Draft{
		Tipo: dte.Factura, MntBruto: true,
		Receptor:   dte.Receptor{RUT: 76192083, RznSoc: "Ferreteria El Tornillo", Giro: "Ferreteria", Direccion: "Uno 2", Comuna: "Maipu"},
		Detalle:    []dte.Linea{{Nombre: "Clavos", Qty: money.One, Prc: money.PerUnit(11900)}},
		Referencia: []dte.Referencia{{TpoDocRef: "801", FolioRef: "7", FchRef: dte.DateOf(time.Now())}},
	}})
	must(t, err)
	return r
}

func sellBoleta(t *testing.T, s *Shop, id sale.ID) sale.Record {
	t.Helper()
	r, err := s.issue(sale.Order{ID: id, Draft: dte.Draft{
		Tipo: dte.Boleta, Receptor: dte.Receptor{RUT: 76192083, RznSoc: "Ferreteria El Tornillo"},
		Detalle:    []dte.Linea{{Nombre: "Clavos", Qty: money.One, Prc: money.PerUnit(11900)}},
		Referencia: []dte.Referencia{{RazonRef: "orden 7"}},
	}})
	must(t, err)
	return r
}

// drain sends until everything has its verdict.
func drain(t *testing.T, s *Shop) {
	t.Helper()
	if status, err := s.SyncNow(t.Context()); err != nil || status.Backlog.Documents > 0 {
		t.Fatalf("%+v %v", status, err)
	}
}

func state(t *testing.T, s *Shop, key dte.Key, want dte.State) {
	t.Helper()
	if got, v, err := s.Store.DocumentState(key); err != nil || got != want {
		t.Fatalf("%s is %s (%s %v), want %s", key.ID(), got, v.Codigo, err, want)
	}
}

// accepted demands that the SII holds exactly one document with that folio, and that it has our bytes.
func accepted(t *testing.T, s *Shop, sim *siisim.Sim, key dte.Key) {
	t.Helper()
	state(t, s, key, dte.Accepted)
	xml, record, err := s.Store.Document(key)
	must(t, err)
	var held []siisim.Document
	for _, d := range sim.Documents() {
		if d.Key == key && d.State != dte.Rejected {
			held = append(held, d)
		}
	}
	if len(held) != 1 || held[0].SHA256 != record.SHA256 {
		t.Fatalf("the SII holds %+v, we sent %s", held, record.SHA256)
	}
	if envelope, ok := sim.Received(held[0].TrackID); !ok || bytes.Count(envelope, xml) != 1 {
		t.Errorf("the accepted envelope does not carry the stored bytes once (%v)", ok)
	}
}

// acts are what the alarm of a document offers.
func acts(t *testing.T, s *Shop, key dte.Key) string {
	t.Helper()
	alarms, err := s.Alarms()
	must(t, err)
	i := slices.IndexFunc(alarms, func(a sale.Alarm) bool { return a.Key == key && a.Kind == sale.AlarmRejected })
	if i < 0 {
		return "none"
	}
	return fmt.Sprint(alarms[i].Acts)
}

// A rejected document is led to its acceptance by what its alarm offers, through a line that loses the answer to every
// other upload. Boletas come with the SII's code; of facturas it tells only that it did not receive them.
func TestEveryRefusalHasAWayOut(t *testing.T) {
	for name, issue := range map[string]func(*testing.T, *Shop, sale.ID) sale.Record{"boletas": sellBoleta, "facturas": sellFactura} {
		t.Run(name, func(t *testing.T) { leadThreeOut(t, issue) })
	}
}

func leadThreeOut(t *testing.T, issue func(*testing.T, *Shop, sale.ID) sale.Record) {
	s, sim := refusing(t)
	_, err := s.Store.OpenShift(time.Now(), "", 0)
	must(t, err)
	resent, corrected, reissued := issue(t, s, "f1"), issue(t, s, "f2"), issue(t, s, "f3")
	for _, code := range []string{"REF-3-750", "HED-3-211", "DTE-3-601"} {
		must(t, sim.Claim(code, dte.Rejected))
	}
	drain(t, s)
	want := map[dte.Key]string{resent.Key: "[reenviar]", corrected.Key: "[corregir]", reissued.Key: "[otro-folio]"}
	for key, offer := range want {
		state(t, s, key, dte.Rejected)
		if key.Tipo == dte.Factura {
			offer = "[corregir reenviar otro-folio]"
		}
		if got := acts(t, s, key); got != offer {
			t.Errorf("%s: the alarm offers %q, want %q", key.ID(), got, offer)
		}
	}
	must(t, sim.SetScenario(siisim.Scenario{Name: "silence", Rules: []siisim.Rule{{Phase: siisim.PhaseUpload, Every: 2, Do: siisim.SilenceAfter}}}))

	must(t, s.Resend(resent.Key, "Rosa", "ya llegó la otra"))
	c, err := s.CorrectionOf(corrected.Key)
	must(t, err)
	if err := s.CheckCorrection(c); err == nil {
		t.Error("nothing was mended, and it is fine")
	}
	c.Receptor.RznSoc, c.Referencia = "Ferretería El Tornillo Ltda", nil
	must(t, s.CheckCorrection(c))
	if _, err := s.Correct(c, "Rosa", "sin referencia"); err != nil {
		t.Fatal(err)
	}
	next, err := s.Reissue(reissued.Key, "Rosa", "folio anulado")
	must(t, err)
	for key := range want {
		if got := acts(t, s, key); got != "none" {
			t.Errorf("%s is still a task: %q", key.ID(), got)
		}
	}
	drain(t, s)

	for _, key := range []dte.Key{resent.Key, corrected.Key, next.Key} {
		accepted(t, s, sim, key)
	}
	state(t, s, reissued.Key, dte.Rejected)
	if _, now, err := s.Store.Document(resent.Key); err != nil || now.SHA256 != resent.SHA256 {
		t.Errorf("other bytes were sent again: %v", err)
	}
	if _, now, err := s.Store.Document(corrected.Key); err != nil || now.SHA256 == corrected.SHA256 || now.Receptor.RznSoc != "Ferretería El Tornillo Ltda" {
		t.Errorf("not corrected: %+v %v", now.Receptor, err)
	}
	if shift, err := s.Store.CurrentShift(); err != nil || shift.Sales != 3 || len(shift.ByType) != 1 || shift.ByType[fmt.Sprint(int(resent.Key.Tipo))] != 35_700 {
		t.Errorf("cash moved again: %+v %v", shift, err)
	}
	r, err := s.Store.Audit(true)
	if err != nil || !r.OK() || r.Documents != 4 || r.Waiting != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// A correction is checked at every key that somebody presses: that reads the document, and not the shop's catalogue.
func TestACorrectionIsCheckedWithoutReadingTheCatalogue(t *testing.T) {
	s, sim := refusing(t)
	sold := sellFactura(t, s, "f1")
	must(t, sim.Claim("HED-3-211", dte.Rejected))
	drain(t, s)
	many := make([]sale.Product, 20_000)
	for i := range many {
		many[i] = sale.Product{Codigo: fmt.Sprint("P", i), Nombre: fmt.Sprint("Producto ", i), Prc: money.PerUnit(1000)}
	}
	must(t, s.Store.PutProducts(many))
	c, err := s.CorrectionOf(sold.Key)
	must(t, err)
	c.Receptor.RznSoc = "Otra Ltda"
	var checked error
	if n := testing.AllocsPerRun(2, func() { checked = s.CheckCorrection(c) }); n > 20_000 || checked != nil {
		t.Errorf("%.0f allocations at a key, %v", n, checked)
	}
}

// A corrected document that is refused again can be corrected again, and every version that the SII saw stays.
func TestTheRefusedVersionsStay(t *testing.T) {
	s, sim := refusing(t)
	sold := sellFactura(t, s, "f1")
	for range 2 {
		must(t, sim.Claim("HED-3-211", dte.Rejected))
	}
	drain(t, s)
	var versions [][]byte
	for _, name := range []string{"Uno Ltda", "Dos Ltda"} {
		xml, _, err := s.Store.Document(sold.Key)
		must(t, err)
		versions = append(versions, xml)
		c, err := s.CorrectionOf(sold.Key)
		must(t, err)
		c.Receptor.RznSoc = name
		_, err = s.Correct(c, "Rosa", name)
		must(t, err)
		drain(t, s)
	}
	accepted(t, s, sim, sold.Key)
	dir := t.TempDir()
	if n, err := s.ExportRefused(sold.Key, dir); err != nil || n != 2 {
		t.Fatalf("%d versions (%v)", n, err)
	}
	for i, name := range []string{"T33F1-rechazado-1.xml", "T33F1-rechazado-2.xml"} {
		file, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		if want := append([]byte(dte.Declaration), versions[i]...); !bytes.Equal(file, want) {
			t.Errorf("%s is not what was refused", name)
		}
		if doc, err := dte.Verify(file, s.Trust()); err != nil || !strings.HasPrefix(doc.Receptor.RznSoc, []string{"Ferreteria", "Uno"}[i]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	copyTo := filepath.Join(dir, "respaldo.db")
	if r, err := s.Store.BackupFile(copyTo); err != nil || !r.OK() {
		t.Errorf("backup: %+v %v", r, err)
	}
}

// The folio of what the SII holds is never used again, whatever is asked.
func TestWhatTheSIIHoldsIsNotTouched(t *testing.T) {
	s, sim := refusing(t)
	fine, odd := sellFactura(t, s, "f1"), sellFactura(t, s, "f2")
	must(t, sim.Claim("HED-1-232", dte.Objected))
	drain(t, s)
	for _, key := range []dte.Key{fine.Key, odd.Key} {
		c, err := s.CorrectionOf(key)
		must(t, err)
		c.Receptor.RznSoc = "Otra"
		_, correctErr := s.Correct(c, "Rosa", "x")
		_, reissueErr := s.Reissue(key, "Rosa", "x")
		for what, err := range map[string]error{"resend": s.Resend(key, "Rosa", "x"), "correct": correctErr, "reissue": reissueErr} {
			if err == nil || !strings.Contains(err.Error(), "sólo una nota de crédito") {
				t.Errorf("%s of %s: %v", what, key.ID(), err)
			}
		}
	}
	if r, err := s.Store.Audit(true); err != nil || !r.OK() || r.Documents != 2 || r.Waiting != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// Any document is found by its number, however many came after.
func TestAnOldDocumentIsFoundByItsNumber(t *testing.T) {
	s := opened(t, practice(t))
	for i := range 3 {
		sellFactura(t, s, sale.ID([]string{"a", "b", "c"}[i]))
	}
	boleta, err := sell(s)
	must(t, err)
	list, err := s.Documents(sale.DocumentQuery{Folio: 1})
	if err != nil || len(list) != 2 || list[0].Key != boleta.Key || list[1].Key.Tipo != dte.Factura {
		t.Errorf("number 1: %+v %v", list, err)
	}
	for _, c := range []struct {
		q    sale.DocumentQuery
		want int
	}{
		{sale.DocumentQuery{Folio: 1, Tipo: dte.Factura}, 1},
		{sale.DocumentQuery{Folio: 1, Limit: 1}, 1},
		{sale.DocumentQuery{Folio: 4}, 0},
		{sale.DocumentQuery{Folio: 2, States: []dte.State{dte.Rejected}}, 0},
		{sale.DocumentQuery{Folio: 2, To: now().Add(-time.Hour)}, 0},
	} {
		if list, err := s.Documents(c.q); err != nil || len(list) != c.want {
			t.Errorf("%+v: %d (%v), want %d", c.q, len(list), err, c.want)
		}
	}
}

// Of a refused factura the line tells no reason; with the one that the SII mails, one way out is left.
func TestTheMailedReasonNarrowsTheWaysOut(t *testing.T) {
	s, sim := refusing(t)
	sold := sellFactura(t, s, "f1")
	must(t, sim.Claim("HED-3-211", dte.Rejected))
	drain(t, s)
	if got := acts(t, s, sold.Key); got != "[corregir reenviar otro-folio]" {
		t.Errorf("without a reason: %s", got)
	}
	mailed, ok := sim.ResultadoEnvio(sim.Envelopes()[0].TrackID)
	if !ok {
		t.Fatal("nothing was mailed")
	}
	_, err := s.ImportResultado(bytes.NewReader(mailed))
	must(t, err)
	if got := acts(t, s, sold.Key); got != "[corregir]" {
		t.Errorf("with HED-3-211: %s", got)
	}
}

// elsewhere uploads the bytes of a document by another way than the till's.
func elsewhere(t *testing.T, s *Shop, key dte.Key) {
	t.Helper()
	doc, err := s.Store.DocumentIn(key)
	must(t, err)
	xml, err := dte.NewEnvelope([]*dte.Document{doc}, s.Info.Resolucion, dte.RUTSII, s.signer, time.Now())
	must(t, err)
	client := sii.New(sii.Config{Endpoints: sii.Single(s.opt.Simulator), Signer: s.signer, Now: time.Now})
	_, err = client.Upload(t.Context(), sii.ChannelOf(key.Tipo), key.Emisor, "otro", xml)
	must(t, err)
}

// A refused document that has reached the SII meanwhile, and that a person has sent again, ends accepted: the SII calls it
// repeated (DTE-3-100), and the till asks before it believes that. Nor does it prove that its new envelope arrived, whose
// first upload is lost.
func TestSentAgainWhileTheSIIHoldsIt(t *testing.T) {
	for name, issue := range map[string]func(*testing.T, *Shop, sale.ID) sale.Record{"boletas": sellBoleta, "facturas": sellFactura} {
		for _, neighbours := range []int{0, 2} {
			t.Run(fmt.Sprint(name, " ", neighbours), func(t *testing.T) {
				s, sim := refusing(t)
				keys := []dte.Key{issue(t, s, "f1").Key}
				must(t, sim.Claim("REF-3-750", dte.Rejected))
				drain(t, s)
				state(t, s, keys[0], dte.Rejected)
				elsewhere(t, s, keys[0])
				must(t, sim.SetScenario(siisim.Scenario{Name: "lost", Rules: []siisim.Rule{{Phase: siisim.PhaseUpload, From: 1, To: 1, Do: siisim.ResetBefore}}}))
				must(t, s.Resend(keys[0], "Rosa", "ya llegó la otra"))
				for i := range neighbours {
					keys = append(keys, issue(t, s, sale.ID(fmt.Sprint("n", i))).Key)
				}
				drain(t, s)
				for i, key := range keys {
					state(t, s, key, dte.Accepted)
					if i > 0 {
						accepted(t, s, sim, key)
					}
				}
				if got := acts(t, s, keys[0]); got != "none" {
					t.Errorf("it is a task still: %s", got)
				}
				if r, err := s.Store.Audit(true); err != nil || !r.OK() {
					t.Errorf("%+v %v", r, err)
				}
			})
		}
	}
}

// What a person led on has left its envelope: the others there can be refused as a whole, and sent anew without it.
func TestACorrectedDocumentLeavesItsEnvelope(t *testing.T) {
	s, _ := refusing(t)
	mended, other := sellFactura(t, s, "f1").Key, sellFactura(t, s, "f2").Key
	old, err := s.Store.NewSobre(dte.Sobre{Emisor: mended.Emisor, Keys: []dte.Key{mended, other}, XML: []byte("<old/>")})
	must(t, err)
	if len(old.Again) != 0 {
		t.Errorf("again: %v", old.Again)
	}
	old.State = dte.Sent
	must(t, s.Store.UpdateSobre(old))
	must(t, s.Store.Settle(old.ID, []dte.Veredicto{{Key: mended, State: dte.Rejected, Codigo: "HED-3-211"}}))
	c, err := s.CorrectionOf(mended)
	must(t, err)
	c.Receptor.RznSoc = "Otra Ltda"
	_, err = s.Correct(c, "Rosa", "el nombre")
	must(t, err)
	if left, err := s.Store.Left(old.ID); err != nil || !slices.Equal(left, []dte.Key{other}) {
		t.Fatalf("left: %v %v", left, err)
	}
	_, err = s.Store.Regroup(old.ID, "RFR", []dte.Sobre{{Emisor: other.Emisor, Keys: []dte.Key{other}, XML: []byte("<new/>")}})
	must(t, err)
	next, err := s.Store.NewSobre(dte.Sobre{Emisor: mended.Emisor, Keys: []dte.Key{mended}, XML: []byte("<mended/>")})
	must(t, err)
	next.Again, next.State = nil, dte.Sending
	must(t, s.Store.UpdateSobre(next))
	if next, err = s.Store.Sobre(next.ID); err != nil || !slices.Equal(next.Again, []dte.Key{mended}) {
		t.Errorf("again: %+v %v", next, err)
	}
	if r, err := s.Store.Audit(true); err != nil || !r.OK() {
		t.Errorf("%+v %v", r, err)
	}
}
