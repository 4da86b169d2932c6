package store

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// joins makes the till one of a server's.
func (b *till) joins(id int64) {
	b.t.Helper()
	b.must(b.JoinServer(Server{URL: "https://tienda.example", TillID: id, Till: "Caja 2", Company: "Almacén", At: saletest.Now}, []byte("ficha secreta")))
}

// tells reads a chunk of everything after a point.
func (b *till) tells(after Point) Chunk {
	b.t.Helper()
	c, err := b.Chunk(after, Bounds{Entries: 1000, States: 1000, Bytes: 1 << 30})
	b.must(err)
	return c
}

func (b *till) head() Point {
	b.t.Helper()
	head, _, err := b.Points(func(int64) []int64 { return nil })
	b.must(err)
	return head
}

// stateKeys are whose states would be told.
func (b *till) stateKeys() (keys []dte.Key) {
	b.t.Helper()
	for _, w := range b.tells(b.head()).States {
		keys = append(keys, w.Key)
	}
	return keys
}

// What opens the server is sealed, and nothing of it is readable in the file or in a backup.
func TestTheTokenRestsSealed(t *testing.T) {
	b := newTill(t)
	_, err := b.Server()
	b.wantErr(err, ErrServer)
	b.joins(4)
	b.reopenFile()
	v, err := b.Server()
	b.must(err)
	token, err := b.ServerToken()
	b.must(err)
	if v.TillID != 4 || v.Till != "Caja 2" || string(token) != "ficha secreta" {
		t.Errorf("it remembers %+v and %q", v, token)
	}
	backup := filepath.Join(t.TempDir(), "respaldo")
	b.must(b.backupTo(backup))
	for _, file := range []string{b.path, backup} {
		content, err := os.ReadFile(file)
		b.must(err)
		if bytes.Contains(content, []byte("ficha secreta")) {
			t.Errorf("%s has the token in clear", filepath.Base(file))
		}
	}
	b.must(b.LeaveServer(saletest.Now))
	_, err = b.ServerToken()
	b.wantErr(err, sale.ErrNotFound)
}

// A till remembers where documents stand that the server has not heard, while it has a server, and forgets what was told unless
// it changed meanwhile.
func TestStatesAreRememberedUntilTold(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	before := b.issue("before").Key
	b.decide(before, dte.Accepted, "")
	if keys := b.stateKeys(); len(keys) != 0 {
		t.Errorf("without a server it would tell of %v", keys)
	}
	b.joins(4)
	one, two := b.issue("one").Key, b.issue("two").Key
	if keys := b.stateKeys(); len(keys) != 0 {
		t.Errorf("a document that was just issued is told with its sale, not as %v", keys)
	}
	b.decide(one, dte.Accepted, "")
	b.decide(two, dte.Rejected, saletest.CorrectCode)
	told := b.tells(b.head()).States
	if len(told) != 2 || told[0].Key != one || told[0].State != dte.Accepted || told[1].Veredicto.Codigo != saletest.CorrectCode {
		t.Fatalf("it would tell %+v", told)
	}
	told[1].State = dte.Sent                                                     // as it stood when it was told
	told[0].Veredicto.At = told[0].Veredicto.At.In(time.FixedZone("otra", 3600)) // the same time
	b.must(b.ToldServer(told))
	if keys := b.stateKeys(); !slices.Equal(keys, []dte.Key{two}) {
		t.Errorf("left to tell are %v, want %v", keys, two)
	}
	if c, err := b.Chunk(Point{}, Bounds{Entries: 1, States: 10, Bytes: 1}); err != nil || len(c.States) != 0 {
		t.Errorf("a state is told before its document: %+v, %v", c.States, err)
	}
	b.must(b.LeaveServer(saletest.Now))
	if keys := b.stateKeys(); len(keys) != 0 {
		t.Errorf("after leaving it would tell of %v", keys)
	}
}

// A server that knows less than it did was restored itself, and is told all states again.
func TestAServerThatWentBackIsToldStatesAgain(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	key := b.issue("one").Key
	b.decide(key, dte.Accepted, "")
	b.joins(4)
	b.must(b.ServerHas(b.head()))
	if keys := b.stateKeys(); len(keys) != 0 {
		t.Errorf("nothing changed, and it would tell of %v", keys)
	}
	b.must(b.ServerHas(Point{}))
	if keys := b.stateKeys(); !slices.Equal(keys, []dte.Key{key}) {
		t.Errorf("it would tell of %v", keys)
	}
}

// Joining as another till, or leaving, ends the leases; leaving while the server has stopped the till needs a person.
func TestLeavingAServer(t *testing.T) {
	b := newTill(t)
	_, err := b.try("from nowhere")
	b.wantErr(err, sale.ErrNoFolios)
	if words := err.Error(); strings.Contains(words, "servidor") || !strings.Contains(words, "impórtelo") {
		t.Errorf("at a till without a server: %s", words)
	}
	b.joins(4)
	b.must(b.lease(1, 1, 20))
	b.sells(1)
	b.joins(4) // said twice
	b.sells(1)
	b.joins(5)
	_, err = b.try("from the lease of another till")
	b.wantErr(err, sale.ErrNoFolios)
	if words := err.Error(); !strings.Contains(words, "vienen del servidor") || strings.Contains(words, "impórtelo") {
		t.Errorf("at a till with a server: %s", words)
	}
	b.must(b.Hold("hay otra copia de esta caja", saletest.Now))
	b.must(b.LeaveServer(saletest.Now))
	b.caf(dte.Boleta, 30, 40)
	_, err = b.try("held")
	b.wantErr(err, ErrHeld)
	b.must(b.Resume(map[dte.TipoDTE]dte.Folio{dte.Boleta: 31}, "Rosa", saletest.Now))
	if r := b.issue("goes on"); r.Key.Folio != 32 {
		t.Errorf("it went on with folio %d", r.Key.Folio)
	}
}

// A chunk begins where the server is, and nowhere else; it ends within its bounds, and always has one entry.
func TestAChunkFollowsItsPoint(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	for _, id := range []sale.ID{"one", "two", "three"} {
		b.issue(id)
	}
	all := b.tells(Point{}).Entries
	if head := b.head(); len(all) != 4 || all[3].Point != head || head.N != 4 {
		t.Fatalf("%d entries up to %+v", len(all), head)
	}
	for n, bounds := range map[int]Bounds{1: {Entries: 10, Bytes: 1}, 2: {Entries: 2, Bytes: 1 << 30}} {
		if c, err := b.Chunk(all[0].Point, bounds); err != nil || len(c.Entries) != n || c.Entries[0].N != 2 {
			t.Errorf("within %+v come %d entries, %v", bounds, len(c.Entries), err)
		}
	}
	for name, p := range map[string]Point{"another hash": {N: 2, Hash: all[2].Hash}, "beyond the end": {N: 5, Hash: all[3].Hash}, "below zero": {N: -1}} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			_, err := b.Chunk(p, Bounds{Entries: 10, Bytes: 1 << 30})
			b.wantErr(err, ErrOtherChain)
		})
	}
	b.t = t
	head, at, err := b.Points(func(n int64) []int64 { return []int64{n, 1} })
	if err != nil || head != all[3].Point || !slices.Equal(at, []Point{all[2].Point, all[0].Point}) {
		t.Errorf("points %+v %+v, %v", head, at, err)
	}
}

// Each entry carries what it tells of: a sale in the version whose bytes the entry names, also after it was corrected.
func TestAnEntryCarriesWhatItIsAbout(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	_, err := b.OpenShift(saletest.Now, "Rosa", 5000)
	b.must(err)
	_, err = b.MoveCash(sale.CashMove{ID: "cash", At: saletest.Now, Kind: sale.CashOut, Amount: 200, Why: "pan"})
	b.must(err)
	_, err = b.Move(sale.Movement{Account: sale.CreditAccount(saletest.Shop().Emisor.RUT), At: saletest.Now, Kind: sale.MoveLimit, ID: "limit", Limit: 9000})
	b.must(err)
	was := b.rejected("refused", saletest.CorrectCode)
	now := b.remedy(sale.ActCorrect, "mended", was)
	again := b.rejected("again", saletest.ResendCode)
	b.remedy(sale.ActResend, "sent again", again)

	about := map[FactKind][]Entry{}
	for _, e := range b.tells(Point{}).Entries {
		about[e.Fact.Kind] = append(about[e.Fact.Kind], e)
	}
	if e := about[FactShift][0]; e.Shift == nil || e.Shift.Number != 1 || e.Shift.Sales != 2 {
		t.Errorf("the shift is %+v", e.Shift)
	}
	if e := about[FactCounter][0]; e.Cash == nil || e.Cash.Why != "pan" {
		t.Errorf("the cash is %+v", e.Cash)
	}
	if e := about[FactAccount][0]; e.Movement == nil || e.Movement.Limit != 9000 {
		t.Errorf("the movement is %+v", e.Movement)
	}
	if e := about[FactSale][0]; e.Sold == nil || e.Sold.Record.SHA256 != was.SHA256 || sale.HashXML(e.Sold.XML) != was.SHA256 || e.Sold.State != nil {
		t.Errorf("the refused sale is %+v", e.Sold)
	}
	if e := about[FactRemedy][0]; e.Sold == nil || sale.HashXML(e.Sold.XML) != now.SHA256 || e.Sold.State == nil || e.Sold.State.State != dte.Issued {
		t.Errorf("the correction is %+v", e.Sold)
	}
	if e := about[FactSale][1]; e.Sold == nil || e.Sold.Record.ID != again.ID || e.Sold.State == nil {
		t.Errorf("the other sale is %+v", e.Sold)
	}
	if e := about[FactRemedy][1]; e.Sold != nil {
		t.Errorf("the same bytes are told twice: %+v", e.Sold)
	}
}

// Entries of a version that did not say what they were about go as they are.
func TestEntriesOfOlderVersionsAreTold(t *testing.T) {
	b := newTill(t)
	b.must(b.update(func(t *bolt.Tx) error {
		return note(t, Fact{At: saletest.Now, Kind: FactShift, Text: "turno 1 abierto con 5000"})
	}))
	e := b.tells(Point{}).Entries
	if len(e) != 1 || e[0].Shift != nil || !bytes.Contains(e[0].Bytes, []byte("turno 1 abierto")) || bytes.Contains(e[0].Bytes, []byte("about")) {
		t.Errorf("it tells %+v", e)
	}
}

// A store that its server had stopped, as a copy, joins as another till without any folio: those of its own are the other copy's.
func TestACopyJoinsWithoutFolios(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 40)
	b.joins(4)
	b.issue("one")
	b.joins(5) // one that nobody stopped keeps them
	b.issue("two")
	b.must(b.Hold("hay otra copia de esta caja", saletest.Now))
	b.joins(6)
	_, err := b.try("three")
	b.wantErr(err, sale.ErrNoFolios)
	b.healthy()
}
