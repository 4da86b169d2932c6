package central_test

import (
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
)

// uploads has a till send documents to the SII itself, together.
func (k *counter) uploads(docs ...*dte.Document) {
	k.t.Helper()
	signer := dtetest.Signer(dtetest.Person)
	res := dte.Resolucion{Fch: dte.DateOf(k.clock.Now())}
	xml, err := dte.NewEnvelope(docs, res, dte.RUTSII, signer, k.clock.Now())
	if err != nil {
		k.t.Fatal(err)
	}
	authority := sii.New(sii.Config{Endpoints: k.sim.Endpoints(), Signer: signer, Now: k.clock.Now})
	channel := sii.ChannelDTE
	if docs[0].Tipo.EsBoleta() {
		channel = sii.ChannelBoleta
	}
	if _, err := authority.Upload(k.t.Context(), channel, k.company.RUT, "EnvioDTE-de-la-caja.xml", xml); err != nil {
		k.t.Fatal(err)
	}
}

// A till died after it had told of its documents: some it had sent, some not, and nobody knows which. The server takes them over, and
// each is at the SII once.
func TestADeadTillsDocumentsArriveOnce(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	pan := []item{{"PAN", 2, 1000}}
	var docs []*dte.Document
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Boleta, dte.Boleta, dte.Boleta, dte.Factura, dte.Factura} {
		doc := k.emit(k.draft(tipo, pan))
		k.keeps(k.record(doc, pan, "efectivo"))
		docs = append(docs, doc)
	}
	k.tells(0)
	k.uploads(docs[0], docs[2])
	k.uploads(docs[4])

	takeOver := func() (taken, left int, err error) {
		err = s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) (err error) {
			taken, left, err = c.TakeOver(k.till.id)
			return err
		})
		return taken, left, err
	}
	_, _, err := takeOver()
	s.wantRefusal(err, central.Conflict) // it may be alive
	s.call(func(c *central.Call) error { return c.LoseTill(k.till.id) })
	if s.turn(); s.stands(docs[1].Key()) != "issued" {
		t.Errorf("the server took %s without being told", docs[1].Key())
	}
	if taken, left, err := takeOver(); taken != 6 || left != 0 || err != nil {
		t.Fatal(taken, left, err)
	}
	if taken, _, err := takeOver(); taken != 0 || err != nil {
		t.Errorf("taken twice: %d %v", taken, err)
	}
	if n := len(s.sim.Envelopes()); n != 2 {
		t.Errorf("%d envelopes before anybody was asked", n)
	}
	e := s.ear("Caja 3") // the same computer, perhaps, by another name
	for e.page().More {
	}
	if n := e.page(); len(n.Verdicts) != 0 || e.hasNews() {
		t.Errorf("before anybody decided: %+v", n)
	}
	s.clock.Advance(time.Minute)
	s.settle()
	s.once(6)
	if !e.hasNews() {
		t.Error("the verdicts are no news")
	}
	told := map[dte.Key]dte.State{}
	for _, v := range e.page().Verdicts {
		told[v.Key] = v.State
	}
	if e.hasNews() || len(told) != len(docs) {
		t.Errorf("who made them would hear of %v", told)
	}
	s.exec("update document_state set state = 'objected' where sale_id = (select min(sale_id) from document_state)") // another word of the SII's
	if n := e.page(); len(n.Verdicts) != 1 || n.Verdicts[0].State != dte.Objected {
		t.Errorf("then it hears %+v", n.Verdicts)
	}
	s.exec("update document_state set state = 'accepted'")
	for _, doc := range docs {
		if got := s.stands(doc.Key()); got != "accepted" {
			t.Errorf("%s is %s", doc.Key(), got)
		}
		if told[doc.Key()] != dte.Accepted {
			t.Errorf("%s is told as %q", doc.Key(), told[doc.Key()])
		}
	}
	if n := s.count("select count(*) from document_state where taken_from = $1", k.till.id); n != 6 {
		t.Errorf("%d are known as the till's", n)
	}
	_, _, err = takeOver()
	if err != nil {
		t.Error(err)
	}
	err = s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error {
		_, _, err := c.TakeOver(999)
		return err
	})
	s.wantRefusal(err, central.NotFound)
}

// A till came back from a backup. What the lost store sold after that one, and told, the restored one does not know and will never send:
// the server takes it over, and nothing else of a till that lives.
func TestWhatOnlyALostStoreKnewIsTakenOver(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	k.sells("efectivo", item{"PAN", 1, 1000})
	restored := *k
	restored.epoch, restored.chain = 1, append([]api.Entry{}, k.chain...)
	restored.next = map[dte.TipoDTE]dte.Folio{dte.Boleta: 20_500}
	lost := []dte.Key{k.sells("efectivo", item{"PAN", 1, 1000}).Key, k.sells("efectivo", item{"PAN", 2, 1000}).Key}
	k.tells(0)
	takeOver := func() (taken, left int, err error) {
		err = s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) (err error) {
			taken, left, err = c.TakeOver(k.till.id)
			return err
		})
		return taken, left, err
	}
	_, _, err := takeOver()
	s.wantRefusal(err, central.Conflict)
	restored.notes(entryFact{Kind: "restauración"}, api.Entry{})
	own := restored.sells("efectivo", item{"PAN", 3, 1000}).Key
	head, places := locator(points(restored.chain))
	if err := s.db.EnterTill(t.Context(), k.till.token, func(c *central.Call) error {
		_, hold, err := c.FollowChain(1, head, places)
		if hold != "" {
			t.Errorf("held: %s", hold)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	restored.tells(1)
	if taken, left, err := takeOver(); taken != 2 || left != 0 || err != nil {
		t.Fatal(taken, left, err)
	}
	_, _, err = takeOver()
	s.wantRefusal(err, central.Conflict)
	s.clock.Advance(time.Minute)
	s.settle()
	s.once(2)
	for _, key := range lost {
		if got := s.stands(key); got != "accepted" {
			t.Errorf("%s is %s", key, got)
		}
	}
	if got := s.stands(own); got != "issued" {
		t.Errorf("%s, which the till sends itself, is %s", own, got)
	}
}
