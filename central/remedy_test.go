package central_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
)

// rejects has the authority refuse the first document of every upload with that code; nothing more if empty.
func (s *school) rejects(code string) {
	s.t.Helper()
	scenario := siisim.Scenario{Name: "none"}
	if code != "" {
		var err error
		if scenario, err = siisim.NamedScenario("reject:" + code); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.sim.SetScenario(scenario); err != nil {
		s.t.Fatal(err)
	}
}

// refused is a sale to a customer with a name whose document the SII refused.
func (s *school) refused(tipo dte.TipoDTE, code string) central.Sale {
	s.t.Helper()
	s.rejects(code)
	n := newSale(tipo)
	n.Customer = 5126663
	var sold central.Sale
	s.call(func(c *central.Call) (err error) {
		if _, err := c.Customer(n.Customer); err != nil {
			if _, err = c.CreateCustomer(central.Customer{RUT: n.Customer, RazonSocial: "Ana Días", Giro: "Almacén", Direccion: "Uno 1", Comuna: "Ñuñoa", Ciudad: "Santiago"}); err != nil {
				return err
			}
		}
		sold, err = c.Sell(n)
		return err
	})
	s.settle()
	s.rejects("")
	if !tipo.EsBoleta() {
		code = "FAU" // all that is told of a refused factura
	}
	if sold = s.sale(sold.ID); sold.State != dte.Rejected || sold.Veredicto.Codigo != code {
		s.t.Fatalf("%s %+v", sold.State, sold.Veredicto)
	}
	return sold
}

func (s *school) remedy(n central.NewRemedy) (made central.Sale, err error) {
	s.t.Helper()
	n.Why = "prueba"
	err = s.db.EnterCompany(s.t.Context(), s.session, s.company.ID, func(c *central.Call) (err error) {
		made, err = c.Remedy(n)
		return err
	})
	return made, err
}

func (s *school) remedied(n central.NewRemedy) central.Sale {
	s.t.Helper()
	made, err := s.remedy(n)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// no wants an act to be refused with these words, and nothing to be changed.
func (s *school) no(n central.NewRemedy, words string) {
	s.t.Helper()
	before := s.sale(n.Sale)
	_, err := s.remedy(n)
	var refused *central.RefusalError
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, words) {
		s.t.Errorf("%s: %v", n.Act, err)
	}
	if after := s.sale(n.Sale); after.State != before.State || after.Folio != before.Folio {
		s.t.Errorf("%s changed it to %s %d", n.Act, after.State, after.Folio)
	}
}

// versions are the bytes of a sale's documents, the first one first.
func (s *school) versions(sale int64) (list [][]byte) {
	s.t.Helper()
	conn := centraltest.Superuser(s.t, s.db)
	rows, err := conn.Query(s.t.Context(), "select xml from "+s.company.Schema+".document where sale_id = $1 order by version", sale)
	if err != nil {
		s.t.Fatal(err)
	}
	for rows.Next() {
		var xml []byte
		if err := rows.Scan(&xml); err != nil {
			s.t.Fatal(err)
		}
		list = append(list, xml)
	}
	return list
}

// moved counts what a remedy must not touch.
func (s *school) moved() (sums [4]int64) {
	s.t.Helper()
	conn := centraltest.Superuser(s.t, s.db)
	if err := conn.QueryRow(context.WithoutCancel(s.t.Context()), `select (select count(*) from `+s.company.Schema+`.sale), (select sum(kept) from `+s.company.Schema+`.payment),
		(select count(*) from `+s.company.Schema+`.stock_movement), (select sum(monto_total) from `+s.company.Schema+`.sale)`).Scan(&sums[0], &sums[1], &sums[2], &sums[3]); err != nil {
		s.t.Fatal(err)
	}
	return sums
}

// The same bytes leave again in another envelope when what was refused was not the document.
func TestARefusedDocumentIsSentAgain(t *testing.T) {
	s := newSchool(t)
	sold := s.refused(dte.Boleta, "REF-3-750")
	before, bytesBefore := s.moved(), s.versions(sold.ID)
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActCorrect}, "no sirve corregirlo con el mismo folio: el SII todavía no recibe el documento al que se refiere")
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActReissue}, "Sirve reenviarlo tal cual.")
	if got := s.remedied(central.NewRemedy{Sale: sold.ID, Act: dte.ActResend}); got.State != dte.Issued || got.Veredicto != nil || got.Folio != sold.Folio {
		t.Errorf("%+v", got)
	}
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActResend}, "no está rechazada: espera al SII")
	s.settle()
	if got := s.sale(sold.ID); got.State != dte.Accepted {
		t.Errorf("%s %+v", got.State, got.Veredicto)
	}
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActResend}, "solo una nota de crédito la corrige")
	if after := s.moved(); after != before {
		t.Errorf("%v became %v", before, after)
	}
	if got := s.versions(sold.ID); len(got) != 1 || !bytes.Equal(got[0], bytesBefore[0]) {
		t.Error("the bytes are others")
	}
	// The second envelope says that the authority may know the document from before.
	var again int
	conn := centraltest.Superuser(t, s.db)
	if err := conn.QueryRow(t.Context(), "select coalesce(jsonb_array_length(sobre->'again'), 0) from "+s.company.Schema+".envelope order by seq desc limit 1").Scan(&again); err != nil || again != 1 {
		t.Errorf("again %d, %v", again, err)
	}
}

// A document that was refused for what it says is issued anew under its folio, with the customer as they are now; the refused
// bytes stay.
func TestARefusedDocumentIsCorrected(t *testing.T) {
	s := newSchool(t)
	sold := s.refused(dte.Factura, "HED-3-211")
	before, bytesBefore := s.moved(), s.versions(sold.ID)
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActCorrect}, "Todavía no cambia ningún dato")
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActNote}, "Sirve corregirlo con el mismo folio o reenviarlo tal cual o emitirlo con otro folio.")
	s.call(func(c *central.Call) error {
		_, err := c.ChangeCustomer(5126663, func(c *central.Customer) { c.RazonSocial = "Ana Díaz" })
		return err
	})
	s.clock.Advance(time.Hour)
	order := dte.Referencia{TpoDocRef: "801", FolioRef: "77", FchRef: dte.DateOf(s.clock.Now())}
	got := s.remedied(central.NewRemedy{Sale: sold.ID, Act: dte.ActCorrect, Referred: true, References: []dte.Referencia{order}})
	if got.Folio != sold.Folio || got.State != dte.Issued || len(got.References) != 1 || got.References[0].FolioRef != "77" {
		t.Errorf("%+v", got)
	}
	s.settle()
	if got := s.sale(sold.ID); got.State != dte.Accepted {
		t.Errorf("%s %+v", got.State, got.Veredicto)
	}
	versions := s.versions(sold.ID)
	if len(versions) != 2 || !bytes.Equal(versions[0], bytesBefore[0]) {
		t.Fatalf("%d versions", len(versions))
	}
	was, err1 := dte.Parse(versions[0])
	now, err2 := dte.Parse(versions[1])
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if was.Receptor.RznSoc != "Ana Días" || now.Receptor.RznSoc != "Ana Díaz" || now.Folio != was.Folio || now.FchEmis != was.FchEmis || now.Totales.MntTotal != was.Totales.MntTotal {
		t.Errorf("%+v\n%+v", was.Draft, now.Draft)
	}
	held := s.sim.Documents()
	if last := held[len(held)-1]; len(held) != 2 || last.Key != now.Key() {
		t.Errorf("the authority has %d documents", len(held))
	}
	if after := s.moved(); after != before {
		t.Errorf("%v became %v", before, after)
	}
	// What is issued from it follows the corrected one.
	s.call(func(c *central.Call) error {
		note, err := c.Issue(central.NewNote{Tipo: dte.NotaCredito, Of: sold.ID, Code: dte.Anula, Items: []central.SaleItem{{ProductID: 1, Qty: money.One}}, Reason: "Devuelve", MethodID: 1})
		if err == nil && note.Customer.RazonSocial != "Ana Díaz" {
			t.Errorf("%+v", note)
		}
		return err
	})
}

// The sale is issued under the next folio when the SII will not have this one; the refused document stays refused.
func TestARefusedSaleGetsAnotherFolio(t *testing.T) {
	s := newSchool(t)
	sold := s.refused(dte.Boleta, "DTE-3-601")
	before := s.moved()
	// Who asks twice at once gets one folio.
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 4 {
		wg.Go(func() {
			made, err := s.remedy(central.NewRemedy{Sale: sold.ID, Act: dte.ActReissue})
			mu.Lock()
			defer mu.Unlock()
			var refused *central.RefusalError
			switch {
			case err == nil && made.Folio == sold.Folio+1:
				done++
			case !errors.As(err, &refused):
				t.Errorf("%+v, %v", made, err)
			}
		})
	}
	wg.Wait()
	if done != 1 {
		t.Errorf("it was issued %d times", done)
	}
	s.settle()
	got := s.sale(sold.ID)
	if got.State != dte.Accepted || got.Folio != sold.Folio+1 || got.Total != sold.Total || !got.CreatedAt.Equal(sold.CreatedAt) {
		t.Errorf("%+v", got)
	}
	if after := s.moved(); after != before {
		t.Errorf("%v became %v", before, after)
	}
	if next := s.sell(1)[0]; next.Folio != sold.Folio+2 {
		t.Errorf("the next sale has folio %d", next.Folio)
	}
	s.call(func(c *central.Call) error {
		list, err := c.Remedies(sold.ID)
		if len(list) != 1 || list[0].Folio != sold.Folio || list[0].Act != dte.ActReissue || list[0].Veredicto.Codigo != "DTE-3-601" || list[0].Who == "" {
			t.Errorf("%+v", list)
		}
		return err
	})
}

// A folio that another document names is not given up.
func TestANamedFolioIsKept(t *testing.T) {
	s := newSchool(t)
	sold := s.refused(dte.Boleta, "DTE-3-601")
	s.call(func(c *central.Call) error {
		_, err := c.Issue(central.NewNote{Tipo: dte.NotaCredito, Of: sold.ID, Code: dte.Anula, Items: []central.SaleItem{{ProductID: 1, Qty: money.One}}, Reason: "Devuelve", MethodID: 1})
		return err
	})
	s.no(central.NewRemedy{Sale: sold.ID, Act: dte.ActReissue}, "Otro documento nombra el folio de la boleta electrónica 1")
}

// What support must look at has no act, and says so.
func TestAVerdictWithoutAnAct(t *testing.T) {
	s := newSchool(t)
	sold := s.refused(dte.Boleta, "DTE-3-505")
	for _, act := range []dte.Act{dte.ActResend, dte.ActCorrect, dte.ActReissue, dte.ActNote} {
		s.no(central.NewRemedy{Sale: sold.ID, Act: act}, "Llame al soporte y diga el código.")
	}
}
