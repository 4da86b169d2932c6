package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

const phrase = "dos perros y un gato"

// cheap is a passphrase cost for tests.
var cheap = KDF{Time: 1, Memory: 64, Threads: 1}

// till is an open store for the suite's shop, protected, that must be healthy when the test ends.
type till struct {
	*Store
	t    testing.TB
	path string
	keys KeyHolder
}

func newTill(t testing.TB) *till {
	t.Helper()
	dir := t.TempDir()
	b := &till{t: t, path: filepath.Join(dir, "caja", "caja.db"), keys: KeyFile{filepath.Join(dir, "llave")}}
	b.open()
	b.must(b.Protect(phrase))
	b.must(b.PutShop(saletest.Shop()))
	t.Cleanup(func() {
		if b.Store != nil {
			b.healthy()
			shut(t, b.Store)
		}
	})
	return b
}

func shut(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func (b *till) open() {
	b.t.Helper()
	s, err := Open(b.path, Options{Keys: b.keys, KDF: cheap})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Store = s
}

// close ends the store and leaves the test without a check at its end.
func (b *till) close() {
	b.t.Helper()
	b.must(b.Close())
	b.Store = nil
}

func (b *till) reopenFile() {
	b.t.Helper()
	b.close()
	b.open()
}

func (b *till) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *till) healthy() Report {
	b.t.Helper()
	r, err := b.Audit(true)
	if err != nil || !r.OK() {
		b.t.Errorf("audit: %v\n%s", err, strings.Join(r.Faults, "\n"))
	}
	return r
}

func (b *till) caf(tipo dte.TipoDTE, desde, hasta dte.Folio) {
	b.t.Helper()
	_, err := b.ImportCAF(saletest.CAF(tipo, desde, hasta, dtetest.FA()), dtetest.Trust(), saletest.Now)
	b.must(err)
}

func (b *till) try(id sale.ID) (sale.Record, error) {
	return b.Issue(id, dte.Boleta, saletest.Now, saletest.Build(id, dte.Boleta, saletest.Now, 1000))
}

func (b *till) issue(id sale.ID) sale.Record {
	b.t.Helper()
	r, err := b.try(id)
	b.must(err)
	return r
}

func (b *till) wantErr(err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Errorf("got error %v, want %v", err, want)
	}
}

func TestJournalSuite(t *testing.T) {
	saletest.RunJournal(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		b := newTill(t)
		return b.Store, func(file []byte) {
			// At the day of authorisation even what is expired today can be imported.
			caf, err := dte.ParseCAF(file)
			b.must(err)
			_, err = b.ImportCAF(file, dtetest.Trust(), time.Date(caf.FA.Year, caf.FA.Month, caf.FA.Day, 12, 0, 0, 0, dte.Santiago))
			b.must(err)
		}
	})
}

func TestEverythingSurvivesReopening(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	b.must(b.SaveCart(sale.Cart{ID: "open", Lines: []sale.Line{{Codigo: "A"}}}))
	_, err := b.OpenShift(saletest.Now, "", 500)
	b.must(err)
	r := b.issue("s1")
	xml, _, err := b.Document(r.Key)
	b.must(err)
	before := b.healthy()
	b.reopenFile()
	again, err := b.Sale("s1")
	b.must(err)
	after, _, err := b.Document(again.Key)
	b.must(err)
	cart, err := b.LoadCart()
	b.must(err)
	shift, err := b.CurrentShift()
	b.must(err)
	if !bytes.Equal(xml, after) || cart.ID != "open" || shift.Sales != 1 || again.Shift != 1 {
		t.Errorf("after reopening: %q, cart %v, shift %+v", after, cart, shift)
	}
	if r := b.healthy(); r.Head != before.Head || r.Entries != 3 {
		t.Errorf("chain: %d entries, head %s, was %s", r.Entries, r.Head, before.Head)
	}
	if next := b.issue("s2"); next.Key.Folio != 2 {
		t.Errorf("next folio %d", next.Key.Folio)
	}
}

func TestSecondInstanceIsRefusedInWords(t *testing.T) {
	b := newTill(t)
	_, err := Open(b.path, Options{Timeout: 100 * time.Millisecond})
	b.wantErr(err, ErrBusy)
	if !strings.Contains(fmt.Sprint(err), "ya está abierto") {
		t.Errorf("the sentence: %v", err)
	}
	b.close()
	b.open() // free again
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are ACLs there")
	}
	b := newTill(t)
	for path, want := range map[string]fs.FileMode{b.path: 0o600, filepath.Dir(b.path): 0o700, b.keys.(KeyFile).Path: 0o600} {
		info, err := os.Stat(path)
		b.must(err)
		if info.Mode().Perm() != want {
			t.Errorf("%s: mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	b := newTill(t)
	b.must(b.update(func(t *bolt.Tx) error { return t.Bucket(bMeta).Put(kSchema, []byte("999")) }))
	b.close()
	before, err := os.ReadFile(b.path)
	b.must(err)
	_, err = Open(b.path, Options{})
	b.wantErr(err, ErrNewer)
	after, err := os.ReadFile(b.path)
	b.must(err)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

func TestDamagedFilesAreErrorsNotDeaths(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 400)
	for i := range 60 {
		b.issue(sale.ID(fmt.Sprint("s", i)))
	}
	b.close()
	whole, err := os.ReadFile(b.path)
	b.must(err)
	used, err := neededSize(bytes.NewReader(whole))
	b.must(err)
	whole = whole[:used] // behind it the file has room to grow and nothing to lose
	for _, size := range []int{0, 1, 100, 4096, 5000, 8192, len(whole) / 2, len(whole) - 4096*9} {
		path := filepath.Join(t.TempDir(), "corta.db")
		b.must(os.WriteFile(path, whole[:size], 0o600))
		if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v", size, err)
		}
		if kept, _ := os.ReadFile(path); !bytes.Equal(kept, whole[:size]) {
			t.Errorf("cut at %d: the evidence was changed", size)
		}
	}
	found := 0
	for page := 2; (page+1)*4096 <= len(whole); page++ {
		path := filepath.Join(t.TempDir(), "borrada.db")
		zeroed := bytes.Clone(whole)
		clear(zeroed[page*4096 : (page+1)*4096])
		b.must(os.WriteFile(path, zeroed, 0o600))
		if r, err := VerifyBackup(path); err != nil || !r.OK() {
			found++
		}
	}
	if found == 0 {
		t.Error("no zeroed page was noticed")
	}
	t.Logf("%d of %d zeroed pages noticed (the others were free)", found, len(whole)/4096-2)
}

// TestEveryFlipInADocumentIsNoticed changes one bit of a live document's bytes at a time.
func TestEveryFlipInADocumentIsNoticed(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	r := b.issue("s1")
	xml, _, err := b.Document(r.Key)
	b.must(err)
	b.close()
	whole, err := os.ReadFile(b.path)
	b.must(err)
	if !bytes.Contains(whole, xml) {
		t.Fatal("the document is not in the file as it is")
	}
	path := filepath.Join(t.TempDir(), "bit.db")
	for bit := 0; bit < len(xml)*8; bit += 7 {
		flipped := bytes.Clone(xml)
		flipped[bit/8] ^= 1 << (bit % 8)
		b.must(os.WriteFile(path, bytes.ReplaceAll(whole, xml, flipped), 0o600))
		if _, err := VerifyBackup(path); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
}

func TestReadingDamageStopsSelling(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	r := b.issue("s1")
	b.must(b.update(func(t *bolt.Tx) error { return t.Bucket(bDocs).Put(keyBytes(r.Key), []byte("<otra/>")) }))
	_, _, err := b.Document(r.Key)
	b.wantErr(err, ErrDamaged)
	report, err := b.Audit(false)
	b.must(err)
	if report.OK() {
		t.Error("the audit saw nothing")
	}
	b.must(b.update(func(t *bolt.Tx) error { return t.Bucket(bRanges).Put(rangeKey(dte.Boleta, 1), []byte("{")) }))
	_, err = b.try("s2")
	b.wantErr(err, ErrDamaged)
	b.wantErr(b.SaveCart(sale.Cart{ID: "x"}), ErrDamaged)
	if _, err := b.Sale("s1"); err != nil {
		t.Errorf("reading goes on: %v", err)
	}
	b.close()
}

// TestAUsedFolioIsNeverHandedOut: whatever the cursor says, a folio that has a document is not given to another sale.
func TestAUsedFolioIsNeverHandedOut(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	r := b.issue("s1")
	b.must(b.update(func(t *bolt.Tx) error {
		return putJSON(t, bRanges, rangeKey(dte.Boleta, 1), sale.Range{Tipo: dte.Boleta, Desde: 1, Hasta: 9, Next: 1, FA: dtetest.FA()})
	}))
	_, err := b.Issue("s2", dte.Boleta, saletest.Now, func(g sale.Grant) (sale.Issued, error) {
		t.Errorf("folio %d was handed out again", g.Folio)
		return sale.Issued{}, errFlush
	})
	b.wantErr(err, ErrDamaged)
	if kept, err := b.Sale("s1"); err != nil || kept.SHA256 != r.SHA256 {
		t.Errorf("the first sale: %v", err)
	}
	b.close()
}

func TestAuditFindsWhatIsWrong(t *testing.T) {
	drop := func(bucket []byte, key func(sale.Record) []byte) func(*bolt.Tx, sale.Record) error {
		return func(t *bolt.Tx, r sale.Record) error { return t.Bucket(bucket).Delete(key(r)) }
	}
	byKey := func(r sale.Record) []byte { return keyBytes(r.Key) }
	byID := func(r sale.Record) []byte { return []byte(r.ID) }
	first := func(sale.Record) []byte { return number(1) }
	for name, spoil := range map[string]func(*bolt.Tx, sale.Record) error{
		"document gone": drop(bDocs, byKey), "record gone": drop(bRecords, byKey), "state gone": drop(bStates, byKey),
		"sale gone": drop(bSales, byID), "queue entry gone": drop(bPending, first), "chain entry gone": drop(bAudit, first),
		"CAF gone":             drop(bCAFs, func(sale.Record) []byte { return rangeKey(dte.Boleta, 1) }),
		"range gone":           drop(bRanges, func(sale.Record) []byte { return rangeKey(dte.Boleta, 1) }),
		"last chain entry cut": drop(bAudit, func(sale.Record) []byte { return number(4) }),
		"shift gone":           drop(bShifts, first),
		"second sale for a document": func(t *bolt.Tx, r sale.Record) error {
			return t.Bucket(bSales).Put([]byte("zz"), keyBytes(r.Key))
		},
		"cursor ahead": func(t *bolt.Tx, r sale.Record) error {
			return putJSON(t, bRanges, rangeKey(dte.Boleta, 1), sale.Range{Tipo: dte.Boleta, Desde: 1, Hasta: 9, Next: 5, FA: dtetest.FA()})
		},
		"cursor behind": func(t *bolt.Tx, r sale.Record) error {
			return putJSON(t, bRanges, rangeKey(dte.Boleta, 1), sale.Range{Tipo: dte.Boleta, Desde: 1, Hasta: 9, Next: 1, FA: dtetest.FA()})
		},
		"paper of nothing": func(t *bolt.Tx, r sale.Record) error {
			r.Key.Folio = 7
			_, err := queuePrint(t, sale.PrintJob{Key: r.Key})
			return err
		},
		"chain entry changed": func(t *bolt.Tx, r sale.Record) error {
			v := bytes.Replace(t.Bucket(bAudit).Get(number(3)), []byte("abierto"), []byte("cerrado"), 1)
			return t.Bucket(bAudit).Put(number(3), v)
		},
		"chain entries swapped": func(t *bolt.Tx, _ sale.Record) error {
			c := t.Bucket(bAudit)
			two, three := bytes.Clone(c.Get(number(2))), bytes.Clone(c.Get(number(3)))
			return errors.Join(c.Put(number(2), three), c.Put(number(3), two))
		},
		"another total": func(t *bolt.Tx, r sale.Record) error {
			r.Total += 100
			return putJSON(t, bRecords, keyBytes(r.Key), r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTill(t)
			b.caf(dte.Boleta, 1, 9)
			b.issue("s0")
			_, err := b.OpenShift(saletest.Now, "", 0)
			b.must(err)
			r := b.issue("s1")
			b.healthy()
			b.must(b.update(func(t *bolt.Tx) error { return spoil(t, r) }))
			report, err := b.Audit(true)
			b.must(err)
			if report.OK() {
				t.Error("not noticed")
			}
			b.close()
		})
	}
}

func TestClock(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	at := func(id sale.ID, when time.Time) error {
		_, err := b.Issue(id, dte.Boleta, when, saletest.Build(id, dte.Boleta, when, 10))
		return err
	}
	b.must(at("s1", saletest.Now))
	b.must(at("s2", saletest.Now.Add(-59*time.Minute)))
	b.wantErr(at("s3", saletest.Now.Add(-61*time.Minute)), ErrClock)
	b.must(at("s4", saletest.Now.AddDate(0, 0, 40))) // a wrong clock, ahead
	b.wantErr(at("s5", saletest.Now), ErrClock)
	b.must(b.ResetClock(saletest.Now, "la dueña"))
	b.must(at("s5", saletest.Now))
}

func TestPanicOfTheCallerIsTheCallers(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("recovered %v", p)
			}
		}()
		_, err := b.Issue("s1", dte.Boleta, saletest.Now, func(sale.Grant) (sale.Issued, error) { panic("mine") })
		t.Error("no panic:", err)
	}()
	if r := b.issue("s1"); r.Key.Folio != 1 {
		t.Errorf("folio %d after the panic", r.Key.Folio)
	}
}

func TestShopIsFixedByItsFolios(t *testing.T) {
	b := newTill(t)
	shop := saletest.Shop()
	shop.Emisor.RUT = 11111111
	b.must(b.PutShop(shop))
	b.must(b.PutShop(saletest.Shop()))
	b.caf(dte.Boleta, 1, 9)
	b.wantErr(b.PutShop(shop), ErrShopFixed)
	shop = saletest.Shop()
	shop.Ambiente = dte.Produccion
	b.wantErr(b.PutShop(shop), ErrShopFixed)
	shop = saletest.Shop()
	shop.Emisor.Giro = "Panadería"
	b.must(b.PutShop(shop))
	got, err := b.Shop()
	b.must(err)
	if got.Emisor.Giro != "Panadería" {
		t.Errorf("shop %+v", got)
	}
}

func TestCatalogueKeepsTheShopsOrder(t *testing.T) {
	b := newTill(t)
	p := func(code, name string) sale.Product {
		return sale.Product{Codigo: code, Nombre: name, Prc: money.PerUnit(100)}
	}
	b.must(b.PutProducts([]sale.Product{p("z", "uno"), p("a", "dos")}))
	b.must(b.PutProducts([]sale.Product{p("m", "tres"), p("z", "uno nuevo")}))
	want := func(names string) {
		t.Helper()
		list, err := b.Products()
		b.must(err)
		var got []string
		for _, p := range list {
			got = append(got, p.Nombre)
		}
		if strings.Join(got, ",") != names {
			t.Errorf("catalogue %v, want %s", got, names)
		}
	}
	want("uno nuevo,dos,tres")
	if b.PutProducts([]sale.Product{p("q", "bueno"), p("", "sin código")}) == nil {
		t.Error("a product without code was taken")
	}
	want("uno nuevo,dos,tres")
	b.must(b.ReplaceProducts([]sale.Product{p("b", "solo")}))
	want("solo")
	b.reopenFile()
	want("solo")
}

func TestCatalogueKeepsAllOfAProduct(t *testing.T) {
	b := newTill(t)
	want := sale.Product{
		Codigo: "1", Nombre: "Polera básica M", Unidad: "kg", Prc: money.PerUnit(100), Exento: true, Categoria: "Ropa", Favorito: true,
		Codigos: []sale.Code{{Codigo: "2", Qty: money.Units(6), Nombre: "Seis", Prc: money.PerUnit(500)}},
		Familia: "Polera básica", Variante: "M", PrecioLibre: true, PrcMin: 1, PrcMax: money.PerUnit(900),
	}
	b.must(b.PutProducts([]sale.Product{want}))
	b.reopenFile()
	got, err := b.Products()
	b.must(err)
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestValues(t *testing.T) {
	b := newTill(t)
	_, err := b.Value("impresora")
	b.wantErr(err, sale.ErrNotFound)
	b.must(b.PutValue("impresora", []byte("usb")))
	v, err := b.Value("impresora")
	b.must(err)
	if string(v) != "usb" {
		t.Errorf("value %q", v)
	}
}

func TestPrintQueue(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	if _, ok, err := b.NextPrint(); ok || err != nil {
		t.Errorf("empty queue: %v %v", ok, err)
	}
	r1, r2 := b.issue("s1"), b.issue("s2")
	next := func(want sale.PrintJob) sale.PrintJob {
		t.Helper()
		job, ok, err := b.NextPrint()
		b.must(err)
		want.ID = job.ID
		if !ok || job != want {
			t.Fatalf("next %+v (%v), want %+v", job, ok, want)
		}
		return job
	}
	job := next(sale.PrintJob{Key: r1.Key})
	b.must(b.PrintFailed(job.ID, "sin papel"))
	next(sale.PrintJob{Key: r1.Key, Attempts: 1})
	info := func(want int, problem string) {
		t.Helper()
		list, err := b.Documents(sale.DocumentQuery{})
		b.must(err)
		if list[1].Printed != want || list[1].PrintProblem != problem {
			t.Errorf("info %+v", list[1])
		}
	}
	info(0, "sin papel")
	b.must(b.PrintDone(job.ID))
	b.must(b.PrintDone(job.ID)) // twice counts once
	info(1, "")
	b.reopenFile()
	job = next(sale.PrintJob{Key: r2.Key})
	_, err := b.Reprint(sale.PaperOrder{Key: r1.Key})
	b.must(err)
	_, err = b.Reprint(sale.PaperOrder{Key: r1.Key})
	b.must(err)
	b.must(b.PrintDrop(job.ID, "el cliente no la quiso"))
	job = next(sale.PrintJob{Key: r1.Key, Copy: 1})
	b.must(b.PrintDone(job.ID))
	next(sale.PrintJob{Key: r1.Key, Copy: 2})
	_, err = b.Reprint(sale.PaperOrder{Key: dte.Key{Emisor: 1, Tipo: dte.Boleta, Folio: 1}})
	b.wantErr(err, sale.ErrNotFound)
}

func TestDocumentsList(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 20)
	b.caf(dte.Factura, 1, 20)
	for i := range 10 {
		tipo := dte.Boleta
		if i%3 == 0 {
			tipo = dte.Factura
		}
		id, at := sale.ID(fmt.Sprint("s", i)), saletest.Now.Add(time.Duration(i)*time.Minute)
		_, err := b.Issue(id, tipo, at, saletest.Build(id, tipo, at, 10))
		b.must(err)
	}
	ids := func(q sale.DocumentQuery) string {
		t.Helper()
		list, err := b.Documents(q)
		b.must(err)
		var out strings.Builder
		for _, d := range list {
			out.WriteString(strings.TrimPrefix(string(d.ID), "s"))
		}
		return out.String()
	}
	at := func(i int) time.Time { return saletest.Now.Add(time.Duration(i) * time.Minute) }
	s4, err := b.Sale("s4")
	b.must(err)
	for want, q := range map[string]sale.DocumentQuery{
		"9876543210": {},
		"987":        {Limit: 3},
		"3210":       {Before: s4.Key},
		"9630":       {Tipo: dte.Factura},
		"30":         {Tipo: dte.Factura, Before: s4.Key},
		"543":        {From: at(3), To: at(6)},
		"32":         {From: at(2), To: at(9), Before: s4.Key},
		"":           {States: []dte.State{dte.Accepted}},
		"98":         {From: at(8), To: at(60)},
	} {
		if got := ids(q); got != want {
			t.Errorf("%+v: got %q, want %q", q, got, want)
		}
	}
}

// TestReadySaysWhatIssueWouldSay: before anybody has paid.
func TestReadySaysWhatIssueWouldSay(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	b.issue("s1")
	b.must(b.Ready(saletest.Now))
	b.wantErr(b.Ready(saletest.Now.Add(-2*time.Hour)), ErrClock)
	copied := filepath.Join(t.TempDir(), "respaldo.db")
	_, err := b.BackupFile(copied)
	b.must(err)
	restored := filepath.Join(t.TempDir(), "caja.db")
	b.must(Restore(copied, restored, saletest.Now))
	s, err := Open(restored, Options{})
	b.must(err)
	defer shut(t, s)
	b.wantErr(s.Ready(saletest.Now), ErrLocked)
	b.must(s.Unlock(phrase))
	b.wantErr(s.Ready(saletest.Now), ErrHeld)
	b.must(s.Resume(map[dte.TipoDTE]dte.Folio{dte.Boleta: 1}, "Ana", saletest.Now))
	b.must(s.Ready(saletest.Now))
}
