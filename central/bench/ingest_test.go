package bench_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

// What tills push, taken in with all that is verified: JSON, chain, hash, signature, timbre, CAF, folio, sums; and the tables fed.
// Boletas of two lines of 2,000 products with stock, paid in cash.
func BenchmarkIngest(b *testing.B) {
	p := open(b)
	p.products(2000)
	each, size := setting("MOSTRADOR_DOCUMENTS", 6000), setting("MOSTRADOR_PUSH", 1000)
	var wg sync.WaitGroup
	tills := make([]*pusher, 3)
	for i := range tills {
		tills[i] = p.pusher(i)
		wg.Go(func() { tills[i].sell(each, size) })
	}
	start := time.Now()
	wg.Wait()
	fmt.Printf("%-58s %v\n", fmt.Sprintf("%d documents issued at three tills", 3*each), time.Since(start).Round(time.Second))
	p.exec("analyze")
	p.ingest("one till", each, tills[:1])
	p.ingest("two tills at once", 2*each, tills[1:])
	var there int
	if err := p.conn.QueryRow(b.Context(), "select count(*) from document where not exists (select from alarm)").Scan(&there); err != nil || there != 3*each {
		b.Errorf("%d documents, want %d; %v", there, 3*each, err)
	}
}

// ingest pushes all that some tills have, and prints how fast it was taken in.
func (p *place) ingest(who string, documents int, tills []*pusher) {
	p.Helper()
	before, program, database, start := load(), ownTime(), p.databaseTime(), time.Now()
	var wg sync.WaitGroup
	for _, t := range tills {
		wg.Go(t.push)
	}
	wg.Wait()
	took := time.Since(start)
	program, database = ownTime()-program, p.databaseTime()-database
	rate := documents * int(time.Second) / int(took)
	fmt.Printf("%-58s %d documents a second (goal 1500: %s); load before %s, after %s\n", "ingest, "+who, rate,
		map[bool]string{true: "met", false: "MISSED"}[rate >= 1500], before, load())
	fmt.Printf("%-58s server %v, PostgreSQL %v\n", "processor time of a document", (program / time.Duration(documents)).Round(time.Microsecond), (database / time.Duration(documents)).Round(time.Microsecond))
	p.ReportMetric(float64(rate), "documents/s")
}

// pusher is a till with a history that the server has not heard.
type pusher struct {
	*place
	n      int
	token  string
	pushes [][]byte
}

func (p *place) pusher(n int) *pusher {
	p.Helper()
	t := &pusher{place: p, n: n}
	session, err := p.db.Login(p.Context(), "a@ejemplo.cl", centraltest.Password)
	if err != nil {
		p.Fatal(err)
	}
	var invitation central.Invitation
	if err := p.db.EnterCompany(p.Context(), session.ID, p.company.ID, func(c *central.Call) (err error) {
		invitation, err = c.InviteTill(fmt.Sprint("Caja ", n+2))
		return err
	}); err != nil {
		p.Fatal(err)
	}
	joined, err := p.db.Join(p.Context(), api.Join{
		Protocol: api.Protocol, Version: "prueba", Code: invitation.Code, Secret: bytes.Repeat([]byte{byte(n)}, 32), Emisor: p.company.RUT, Ambiente: dte.Capacitacion,
	})
	if err != nil {
		p.Fatal(err)
	}
	t.token = joined.Token
	return t
}

// sell makes the till's history, in pushes as they go over the line.
func (t *pusher) sell(documents, size int) {
	r, signer := rand.New(rand.NewPCG(uint64(t.n), 1)), dtetest.Signer(dtetest.Person)
	now := t.clock.Now().Add(-24 * time.Hour)
	first := dte.Folio(1_000_000 * (t.n + 1))
	caf, _ := dtetest.CAF(rut, dte.Boleta, first, first+999_999, dte.DateOf(now))
	emisor := dtetest.Emisor()
	emisor.RUT = rut
	push := api.Push{}
	for i := range documents {
		d := dte.Draft{Tipo: dte.Boleta, FchEmis: dte.DateOf(now), Emisor: emisor, Receptor: dte.Receptor{RUT: dte.RUTAnonimo}, IndServicio: 3}
		s := api.Sale{ID: fmt.Sprintf("%032x", i), At: now.Add(time.Duration(i) * time.Second), Cash: true, Training: true, Receptor: d.Receptor, Who: "Ana"}
		for range 2 {
			n, price := 1+r.IntN(2000), money.Pesos(10*(50+r.IntN(500)))
			l := api.Line{Codigo: fmt.Sprintf("PROD-%05d", n), Nombre: fmt.Sprintf("Producto de prueba número %d", n), Qty: money.One, Prc: money.PerUnit(price), Total: price}
			s.Lines = append(s.Lines, l)
			d.Detalle = append(d.Detalle, dte.Linea{Nombre: l.Nombre, Qty: l.Qty, Prc: l.Prc})
		}
		doc, err := dte.Emit(d, first+dte.Folio(i), caf, signer, s.At)
		if err != nil {
			t.Error(err)
			return
		}
		s.Key, s.Total, s.XML, s.SHA256 = doc.Key(), doc.Totales.MntTotal, doc.XML, sumOf(doc.XML)
		s.Tenders = []api.Tender{{Method: "efectivo", Amount: s.Total, Received: s.Total}}
		push.Entries = append(push.Entries, t.entry(push, s))
		if len(push.Entries) == size || i == documents-1 {
			text, err := json.Marshal(push)
			if err != nil {
				t.Error(err)
			}
			t.pushes = append(t.pushes, text)
			last := push.Entries[len(push.Entries)-1]
			push = api.Push{After: api.Point{N: last.N, Hash: last.Hash}}
		}
	}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// entry is the next one of the chain.
func (t *pusher) entry(p api.Push, s api.Sale) api.Entry {
	prev := p.After
	if n := len(p.Entries); n > 0 {
		prev = api.Point{N: p.Entries[n-1].N, Hash: p.Entries[n-1].Hash}
	}
	before := make([]byte, sha256.Size)
	if prev.N > 0 {
		before, _ = hex.DecodeString(prev.Hash)
	}
	fact, err := json.Marshal(map[string]any{"at": s.At, "kind": "venta", "key": s.Key, "sha256": s.SHA256})
	if err != nil {
		t.Error(err)
	}
	return api.Entry{N: prev.N + 1, Hash: sumOf(append(before, fact...)), Fact: fact, Sale: &s}
}

// push tells all of it.
func (t *pusher) push() {
	for _, text := range t.pushes {
		var p api.Push
		if err := json.Unmarshal(text, &p); err != nil {
			t.Error(err)
			return
		}
		if err := t.db.EnterTill(t.Context(), t.token, func(c *central.Call) error {
			done, err := c.Push(p)
			if err == nil && done.Alarms > 0 {
				t.Errorf("%+v", done)
			}
			return err
		}); err != nil {
			t.Error(err)
			return
		}
	}
}
