package central_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sync/synctest"
)

// putDocument puts in a document as a sale does, past all rights.
func putDocument(t testing.TB, conn *pgx.Conn, schema string, doc *dte.Document, at time.Time) {
	t.Helper()
	sum := sha256.Sum256(doc.XML)
	_, err := conn.Exec(t.Context(), `with s as (insert into `+schema+`.sale (tipo, folio, customer_id, person_id, fecha_emision, signo, monto_exento, monto_neto,
				iva, monto_total, created_at)
			select $1, $2, min(c.id), min(p.id), $3, 1, 0, 0, 0, 0, $4 from `+schema+`.customer c, `+schema+`.person p returning id),
		d as (insert into `+schema+`.document (sale_id, tipo, folio, xml, sha256, ted, issued_at) select id, $1, $2, $5, $6, '', $4 from s)
		insert into `+schema+`.document_state (sale_id, tipo, folio, boleta, state, issued_at, updated_at) select id, $1, $2, $7, 'issued', $4, $4 from s`,
		int(doc.Tipo), int64(doc.Folio), doc.FchEmis.String(), at, doc.XML, sum[:], doc.Tipo.EsBoleta())
	if err != nil {
		t.Fatal(err)
	}
}

// The outbox of a company passes the suite of the till's.
func TestACompanyIsAnOutbox(t *testing.T) {
	synctest.RunOutbox(t, func(t *testing.T) synctest.Till {
		db, clock := centraltest.New(t)
		company := centraltest.Company(t, db, dtetest.Company, centraltest.Account(t, db, "a@ejemplo.cl", false))
		conn := centraltest.Superuser(t, db)
		begin := func() synctest.Outbox {
			clock.Advance(central.LeaseTime)
			o, err := db.TakeOutbox(t.Context(), company.ID)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		return synctest.Till{
			Outbox: begin(), Restart: begin,
			Add: func(doc *dte.Document, at time.Time) { putDocument(t, conn, company.Schema, doc, at) },
		}
	})
}

// Two servers never carry the same documents, and one that was taken for dead writes nothing when it comes back.
func TestWhoLostTheLeaseWritesNothing(t *testing.T) {
	db, clock := centraltest.New(t)
	company := centraltest.Company(t, db, dtetest.Company, centraltest.Account(t, db, "a@ejemplo.cl", false))
	doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1)
	putDocument(t, centraltest.Superuser(t, db), company.Schema, doc, dtetest.Now())

	first, err := db.TakeOutbox(t.Context(), company.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.TakeOutbox(t.Context(), company.ID); !errors.Is(err, central.ErrBusy) {
		t.Errorf("a second holder: %v", err)
	}
	sobre := dte.Sobre{Boletas: true, Emisor: dtetest.Company, Keys: []dte.Key{doc.Key()}, XML: []byte("<EnvioBOLETA/>"), CreatedAt: dtetest.Now()}
	clock.Advance(central.LeaseTime - time.Second)
	if sobre, err = first.NewSobre(sobre); err != nil {
		t.Fatal(err)
	}
	clock.Advance(central.LeaseTime - time.Second)
	if _, err := db.TakeOutbox(t.Context(), company.ID); !errors.Is(err, central.ErrBusy) {
		t.Errorf("writing renews it, and yet: %v", err)
	}
	sobre.State = dte.Sending
	if err := first.UpdateSobre(sobre); err != nil {
		t.Fatal(err)
	}
	clock.Advance(central.LeaseTime)
	second, err := db.TakeOutbox(t.Context(), company.ID)
	if err != nil {
		t.Fatal(err)
	}
	sobre.State = dte.Sent
	for what, err := range map[string]error{
		"UpdateSobre": first.UpdateSobre(sobre),
		"Settle":      first.Settle(sobre.ID, []dte.Veredicto{{Key: doc.Key(), State: dte.Accepted, At: dtetest.Now()}}),
		"Regroup":     func() error { _, err := first.Regroup(sobre.ID, "RSC", []dte.Sobre{sobre}); return err }(),
		"NewSobre":    func() error { _, err := first.NewSobre(sobre); return err }(),
	} {
		if !errors.Is(err, central.ErrLease) {
			t.Errorf("%s of who lost the lease: %v", what, err)
		}
	}
	if state, _, err := second.Standing(doc.Key()); err != nil || state != dte.Unknown {
		t.Errorf("what was being sent is %s, %v", state, err)
	}
}

// A document whose bytes were damaged holds up no other, and is never sent.
func TestDamageHoldsUpNobody(t *testing.T) {
	db, _ := centraltest.New(t)
	company := centraltest.Company(t, db, dtetest.Company, centraltest.Account(t, db, "a@ejemplo.cl", false))
	conn := centraltest.Superuser(t, db)
	for folio := range dte.Folio(5) {
		putDocument(t, conn, company.Schema, dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), folio+1), dtetest.Now())
	}
	damage := func(folios string) {
		if _, err := conn.Exec(t.Context(), "update "+company.Schema+".document set xml = xml || ' '::bytea where folio = any('"+folios+"')"); err != nil {
			t.Fatal(err)
		}
	}
	o, err := db.TakeOutbox(t.Context(), company.ID)
	if err != nil {
		t.Fatal(err)
	}
	damage("{1,2,4}")
	docs, err := o.Waiting(true, 2)
	if err != nil || len(docs) != 2 || docs[0].Folio != 3 || docs[1].Folio != 5 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	if _, err := o.DocumentIn(dte.Key{Emisor: dtetest.Company, Tipo: dte.Boleta, Folio: 1}); err == nil {
		t.Error("damaged bytes were returned")
	}
	damage("{3,5}")
	if docs, err := o.Waiting(true, 2); err == nil || len(docs) != 0 {
		t.Errorf("of damaged ones: %d documents, %v", len(docs), err)
	}
}
