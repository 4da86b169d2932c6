package apitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

// counter is a till as the suite plays it: a chain, and what it may issue from.
type counter struct {
	*part
	name   string
	token  string
	server api.Server
	id     int64
	epoch  int
	run    string // of its program
	seq    int64
	chain  []api.Entry
	leases []api.Lease
	used   map[int64]int64 // lease → last folio
	cafs   map[int64]*dte.CAF
	wants  []dte.TipoDTE
	sales  int
}

// copied is the same till again, as a backup or a copied file is: what happens to one is no affair of the other.
func (c *counter) copied() *counter {
	o := c.snapshot()
	o.starts()
	return o
}

// starts is what the program does with a file.
func (c *counter) starts() {
	c.runs++
	c.run, c.seq = fmt.Sprint("run ", c.runs), 0
}

// snapshot is the same till again with its memory, as a virtual machine is.
func (c *counter) snapshot() *counter {
	o := *c
	o.chain = append([]api.Entry(nil), c.chain...)
	o.leases = append([]api.Lease(nil), c.leases...)
	o.used = map[int64]int64{}
	for lease, folio := range c.used {
		o.used[lease] = folio
	}
	return &o
}

func (c *counter) head() api.Point { return c.point(int64(len(c.chain))) }

func (c *counter) point(n int64) api.Point {
	if n == 0 {
		return api.Point{}
	}
	return api.Point{N: n, Hash: c.chain[n-1].Hash}
}

// fact is an entry's own bytes, as a till writes them.
type fact struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Key    dte.Key   `json:"key,omitzero"`
	SHA256 string    `json:"sha256,omitempty"`
	Text   string    `json:"text,omitempty"`
}

// notes adds an entry to the chain.
func (c *counter) notes(f fact, e api.Entry) {
	c.Helper()
	f.At = c.office.Now()
	raw, err := json.Marshal(f)
	c.must(err)
	prev := c.head()
	e.N, e.Fact, e.Hash = prev.N+1, raw, linked(prev, raw)
	c.chain = append(c.chain, e)
}

func (c *counter) says() api.Report {
	c.seq++
	r := api.Report{Protocol: api.Protocol, Version: "prueba", Now: c.office.Now(), Run: c.run, Seq: c.seq, Epoch: c.epoch, Head: c.head(), Folios: api.Folios{Wants: c.wants}}
	for _, n := range api.Locate(int64(len(c.chain))) {
		r.Locator = append(r.Locator, c.point(n))
	}
	for _, l := range c.leases {
		r.Folios.Used = append(r.Folios.Used, api.Mark{Lease: l.ID, Used: c.used[l.ID]})
	}
	return r
}

// syncs tells how the till stands and takes in what it may issue from.
func (c *counter) syncs() api.Answer {
	c.Helper()
	a, err := c.server.Sync(c.Context(), c.says())
	c.must(err)
	c.follows(a)
	return a
}

// spendsAll uses up what it is given until there is no more, but asks no more often than that.
func (c *counter) spendsAll(most int) {
	c.Helper()
	for range most {
		if c.syncs(); len(c.leases) == 0 {
			return
		}
		c.used[c.leases[0].ID] = c.leases[0].Hasta
	}
}

func (c *counter) follows(a api.Answer) {
	if a.Hold != "" {
		return
	}
	c.leases = a.Folios.Leases
	for _, l := range c.leases {
		if _, known := c.used[l.ID]; !known {
			c.used[l.ID] = l.Desde - 1
		}
	}
}

// caf is the file of a range, as the server gives it.
func (c *counter) caf(id int64) *dte.CAF {
	c.Helper()
	if c.cafs[id] == nil {
		file, err := c.server.CAF(c.Context(), id)
		c.must(err)
		caf, err := dte.ParseCAF(file)
		c.must(err)
		c.cafs[id] = caf
	}
	return c.cafs[id]
}

// next is the folio that the till would use.
func (c *counter) next(tipo dte.TipoDTE) (api.Lease, int64) {
	c.Helper()
	for _, l := range c.leases {
		if l.Tipo == tipo && c.used[l.ID] < l.Hasta {
			return l, c.used[l.ID] + 1
		}
	}
	c.Fatalf("%s has no folio of %s", c.name, tipo)
	return api.Lease{}, 0
}

// sells issues a boleta for cash, under the till's next folio.
func (c *counter) sells(change ...func(*api.Sale)) api.Sale {
	c.Helper()
	l, folio := c.next(dte.Boleta)
	c.used[l.ID] = folio
	c.sales++
	return c.sold(c.caf(l.CAF), folio, money.Pesos(1000+10*c.sales), change...)
}

// sold notes a sale with a document of that folio.
func (c *counter) sold(caf *dte.CAF, folio int64, price money.Pesos, change ...func(*api.Sale)) api.Sale {
	c.Helper()
	now := c.office.Now()
	d := dte.Draft{Tipo: caf.Tipo, FchEmis: dte.DateOf(now), Emisor: dtetest.Emisor(), Receptor: dte.Receptor{RUT: dte.RUTAnonimo}, IndServicio: 3}
	d.Detalle = []dte.Linea{{Codigos: []dte.Codigo{{Tipo: "INT1", Valor: "PAN"}}, Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(price)}}
	doc, err := dte.Emit(d, dte.Folio(folio), caf, dtetest.Signer(dtetest.Person), now)
	c.must(err)
	s := api.Sale{
		ID: fmt.Sprintf("%s-%d-%d-%d", c.name, c.epoch, len(c.chain), price), At: now, Caja: "CAJA1", Key: doc.Key(), Total: doc.Totales.MntTotal,
		SHA256: sumOf(doc.XML), XML: doc.XML, Receptor: doc.Receptor, Cash: true, Training: true,
		Lines:   []api.Line{{Codigo: "PAN", Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(price), Total: price}},
		Tenders: []api.Tender{{Method: "efectivo", Amount: price, Received: price}},
	}
	for _, edit := range change {
		edit(&s)
	}
	c.notes(fact{Kind: "venta", Key: s.Key, SHA256: s.SHA256}, api.Entry{Sale: &s})
	return s
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// chunk is what follows a place of the chain.
func (c *counter) chunk(after, to int64) api.Push {
	return api.Push{Epoch: c.epoch, After: c.point(after), Entries: c.chain[after:to]}
}

func (c *counter) pushes(p api.Push) api.Pushed {
	c.Helper()
	answer, err := c.server.Push(c.Context(), p)
	c.must(err)
	return answer
}

// tells pushes all that follows the server's head.
func (c *counter) tells() api.Pushed {
	c.Helper()
	a := c.syncs()
	if a.Hold != "" {
		c.Fatalf("%s is held: %s %s", c.name, a.Hold, a.Why)
	}
	return c.pushes(c.chunk(a.After.N, int64(len(c.chain))))
}

// restored is the till after this copy of its file was restored.
func (c *counter) restored() {
	c.epoch++
	c.leases = nil
	c.starts()
	c.notes(fact{Kind: "restauración", Text: "se restauró un respaldo"}, api.Entry{})
}

// part is a part of the suite, with a server of its own.
type part struct {
	*testing.T
	office Server
	tills  int
	runs   int // of the tills' programs
}

func (p *part) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *part) want(what string, got, want any) {
	p.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		p.Errorf("%s: %s, want %s", what, g, w)
	}
}

// joins is a new till that issues boletas.
func (p *part) joins() *counter {
	p.Helper()
	p.tills++
	name := fmt.Sprint("Caja ", p.tills)
	code, err := p.office.Invite(name)
	p.must(err)
	j, err := p.office.Join(p.Context(), p.asks(code, byte(p.tills)))
	p.must(err)
	c := &counter{
		part: p, name: name, token: j.Token, server: p.office.Till(j.Token), id: j.Till.ID, used: map[int64]int64{}, cafs: map[int64]*dte.CAF{},
		wants: []dte.TipoDTE{dte.Boleta},
	}
	c.starts()
	return c
}

// asks is how a computer asks to join.
func (p *part) asks(code string, secret byte) api.Join {
	return api.Join{
		Protocol: api.Protocol, Version: "prueba", Code: code, Secret: bytes.Repeat([]byte{secret}, 32), Emisor: dtetest.Company, Ambiente: dte.Capacitacion,
	}
}

// folios puts a CAF of boletas into the ledger.
func (p *part) folios(desde, hasta int64) {
	p.Helper()
	p.must(p.office.AddCAF(p.file(dte.Boleta, desde, hasta)))
}

func (p *part) file(tipo dte.TipoDTE, desde, hasta int64) []byte {
	_, file := dtetest.CAF(dtetest.Company, tipo, dte.Folio(desde), dte.Folio(hasta), dte.DateOf(p.office.Now()))
	return file
}

// held are all versions of a document that the server has.
func (p *part) held(key dte.Key) (list []Document) {
	p.Helper()
	docs, err := p.office.Documents()
	p.must(err)
	for _, d := range docs {
		if d.Key == key {
			list = append(list, d)
		}
	}
	return list
}

func (p *part) alarms() int {
	p.Helper()
	n, err := p.office.Alarms()
	p.must(err)
	return n
}

func (p *part) lease(id int64) Lease {
	p.Helper()
	leases, err := p.office.Leases()
	p.must(err)
	for _, l := range leases {
		if l.ID == id {
			return l
		}
	}
	p.Fatalf("there is no lease %d", id)
	return Lease{}
}

// refused demands an error of that verdict and code, in words.
func (p *part) refused(what string, err error, want api.Verdict, code string) {
	p.Helper()
	switch e, ok := errors.AsType[*api.Error](err); {
	case !ok:
		p.Errorf("%s: %v is no *api.Error", what, err)
	case e.Verdict != want || e.Code != code || e.Message == "":
		p.Errorf("%s: %q %q %q, want %q %q", what, e.Verdict, e.Code, e.Message, want, code)
	}
}
