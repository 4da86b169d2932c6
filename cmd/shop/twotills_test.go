package shop

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/store"
)

// What is sold in the town, and to whom.
var (
	toNobody = sale.Choice{}
	toAromos = sale.Choice{Receptor: saletest.Buyer().Receptor()}
	factura  = sale.Choice{Tipo: dte.Factura, Receptor: saletest.Buyer().Receptor()}
)

// newcomer is a customer whom no till knew.
var newcomer = sale.Customer{RUT: 77777777, RznSoc: "Panadería El Trigal SpA", Giro: "Panadería", Direccion: "Los Robles 45", Comuna: "Ñuñoa", Ciudad: "Santiago"}

const (
	roll = "1004"
	pie  = "1005"
	pies = 500 // that the owner counted when the server was new
)

// TestTwoTillsOneTruth is a shop's life with every link cut: a till that sold alone for a time, the server that it joins later, a
// second till that has all its folios from there, and the SII. In the end all say the same of every document, every debt and
// every shift. make two-tills prints what they say.
func TestTwoTillsOneTruth(t *testing.T) {
	w := newTown(t)
	one := w.alone()
	w.opens()
	w.meets(one)
	two := w.second()
	w.cutFromTheServer(one, two)
	w.answerLost(one)
	w.cutFromTheSII(one, two)
	w.newPrices(one, two)
	w.restored(two)
	w.copied(one)
	w.stolen()
	w.settles()
	w.agrees()
}

// alone is a shop before it has a server: a till with folios of its own, a customer who owes, and a shift that is closed.
func (w *town) alone() *desk {
	one := w.desk("CAJA1", true)
	must(w.t, one.till.OpenShift(50_000))
	must(w.t, one.shop.SaveCustomer(saletest.Buyer()))
	one.trusts(saletest.Buyer().RUT, 200_000)
	one.sells(toNobody, roll, 3, sale.Efectivo)
	one.sells(toAromos, pie, 2, sale.Fiado)
	one.sells(factura, pie, 4, sale.Transferencia)
	one.closes()
	one.toldTheSII()
	w.clock.pass(40 * 24 * time.Hour)
	must(w.t, one.till.OpenShift(50_000))
	one.sells(toNobody, roll, 2, sale.Debito)
	return one
}

// meets: the till joins, and all its years go to the server. On the first try the answer is lost after the server took it in.
func (w *town) meets(one *desk) {
	one.joins()
	one.toServer.losesAnswers()
	one.triesTheServer()
	one.toServer.clear()
	one.toldTheServer()
	w.sees(one)
	w.pies = 0
	w.asks(func(c *central.Call) error {
		p, err := c.ProductByCode(pie)
		if err == nil {
			_, err = c.ChangeProduct(p.ID, func(p *central.Product) { p.ControlaStock = true })
		}
		if err == nil {
			_, err = c.AdjustStock(p.ID, money.Units(pies), "conteo")
		}
		return err
	})
}

// second is a till without a folio of its own.
func (w *town) second() *desk {
	two := w.desk("CAJA2", false)
	if _, err := two.trySell(toNobody, roll, 1, sale.Efectivo); err == nil {
		w.t.Error("a till without folios sold")
	}
	two.joins()
	two.toldTheServer()
	must(w.t, two.till.OpenShift(30_000))
	two.sells(toNobody, pie, 1, sale.Efectivo)
	two.toldTheServer()
	w.sees(two)
	return two
}

// cutFromTheServer: both tills sell for two weeks without the server, on credit to the same customer, and each makes the same new
// customer. A shift is closed meanwhile.
func (w *town) cutFromTheServer(one, two *desk) {
	one.toServer.cut()
	two.toServer.cut()
	w.clock.pass(7 * 24 * time.Hour)
	for i, d := range []*desk{one, two} {
		must(w.t, d.shop.SaveCustomer(newcomer))
		d.trusts(newcomer.RUT, 100_000)
		d.trusts(saletest.Buyer().RUT, 200_000)
		d.sells(sale.Choice{Receptor: newcomer.Receptor()}, pie, 3+i, sale.Fiado)
		d.sells(toAromos, roll, 5+i, sale.Fiado)
		d.triesTheServer()
		if v := d.shop.Server(); v.Unsent < 4 || !v.Down {
			w.t.Errorf("%s waits for the server, and says %+v", d.name, v)
		}
	}
	two.pays(saletest.Buyer().RUT, 1_000)
	two.takesBack(two.sells(toNobody, pie, 4, sale.Efectivo), 1)
	_, err := two.till.MoveCash(sale.CashOut, 5_000, "Pan para la tarde")
	must(w.t, err)
	two.closes()
	w.clock.pass(7 * 24 * time.Hour)
	must(w.t, two.till.OpenShift(30_000))
	two.sells(toNobody, roll, 9, sale.Credito)
	one.toServer.open()
	two.toServer.open()
	one.rejoinsRoad()
	two.rejoinsRoad()
	one.toldTheServer()
	two.toldTheServer()
	one.toldTheServer() // of what the other one's customer owes
	w.sees(one)
	w.sees(two)
}

// answerLost: the server has committed a push, and its answer goes lost; more is sold before the next try.
func (w *town) answerLost(one *desk) {
	one.sells(toNobody, pie, 2, sale.Efectivo)
	one.toServer.losesAnswers()
	one.triesTheServer()
	one.restart() // and a power cut on top
	one.sells(toNobody, pie, 1, sale.Efectivo)
	one.toServer.clear()
	one.toldTheServer()
	w.sees(one)
}

// cutFromTheSII: no line, and then one that loses the SII's receipt.
func (w *town) cutFromTheSII(one, two *desk) {
	one.toSII.cut()
	one.toldTheSII()
	one.toldTheServer()
	one.toSII.open()
	w.withoutReceipts(two.toldTheSII)
	one.restart()
	two.restart()
	w.clock.pass(time.Hour)
	one.toldTheSII()
	two.toldTheSII()
}

// newPrices: the owner changes a price at the server while a till is away; and then writes one with three noughts too many, which no
// till believes.
func (w *town) newPrices(one, two *desk) {
	two.toServer.cut()
	w.prices(roll, 1000)
	one.toldTheServer()
	if total := one.sells(toNobody, roll, 1, sale.Efectivo).Total; total != 1190 {
		w.t.Errorf("%s sells a roll at %s after the new price", one.name, total)
	}
	if total := two.sells(toNobody, roll, 1, sale.Efectivo).Total; total == 1190 {
		w.t.Errorf("%s, which the news did not reach, sells at the new price", two.name)
	}
	two.toServer.open()
	two.rejoinsRoad()
	two.toldTheServer()
	if total := two.sells(toNobody, roll, 1, sale.Efectivo).Total; total != 1190 {
		w.t.Errorf("%s sells a roll at %s once the news are there", two.name, total)
	}
	w.prices(roll, 1_000_000)
	one.toldTheServer()
	if total := one.sells(toNobody, roll, 1, sale.Efectivo).Total; total != 1190 {
		w.t.Errorf("%s sells a roll at %s", one.name, total)
	}
	alarms, err := one.shop.Alarms()
	if i := slices.IndexFunc(alarms, func(a sale.Alarm) bool { return a.Kind == sale.AlarmServer }); err != nil || i < 0 || !alarms[i].Task {
		w.t.Errorf("%s has no task about the price that it did not believe: %+v %v", one.name, alarms, err)
	}
	w.prices(roll, 1000)
}

// prices has the owner write another net price.
func (w *town) prices(code string, neto money.Pesos) {
	w.t.Helper()
	w.asks(func(c *central.Call) error {
		p, err := c.ProductByCode(code)
		if err == nil {
			_, err = c.ChangeProduct(p.ID, func(p *central.Product) { p.PrecioNeto = neto })
		}
		return err
	})
}

// restored: the computer of a till dies after it told the server of sales that its newest backup does not have.
func (w *town) restored(two *desk) {
	t := w.t
	two.toldTheServer()
	two.toldTheSII()
	backup := filepath.Join(t.TempDir(), "respaldo.db")
	_, err := two.shop.Store.BackupFile(backup)
	must(t, err)
	lost := two.sells(toNobody, pie, 6, sale.Efectivo)
	two.toldTheServer()
	two.toldTheSII()
	two.toldTheServer()
	must(t, two.shop.Close())
	must(t, os.Remove(two.opt.Path()))
	must(t, store.Restore(backup, two.opt.Path(), w.clock.now()))
	two.open()
	if r, err := two.trySell(toNobody, pie, 1, sale.Efectivo); err == nil {
		t.Fatalf("a restored till issued %s before the server had moved it past what was used", r.Key.ID())
	}
	two.toldTheServer()
	if next := two.sells(toNobody, pie, 1, sale.Efectivo); next.Key.Folio <= lost.Key.Folio {
		t.Errorf("after the lost copy's %s the restored till issues %s", lost.Key.ID(), next.Key.ID())
	}
	two.toldTheServer()
	w.doubts(lost.Key)
}

// doubts: the owner reads on the lost copy's last paper how far it went, and says so.
func (w *town) doubts(last dte.Key) {
	settled := 0
	w.asks(func(c *central.Call) error {
		leases, err := c.Leases(0, central.Page{Limit: 100})
		for _, l := range leases {
			if l.State != central.LeaseDoubt || err != nil {
				continue
			}
			used := l.Used
			if last := int64(last.Folio); l.Tipo == dte.Boleta && l.Desde <= last && last <= l.Hasta {
				used = last
			}
			_, err = c.SettleLease(l.ID, used)
			settled++
		}
		return err
	})
	if settled == 0 {
		w.t.Error("a store was restored, and no lease was in doubt")
	}
}

// copied: somebody copies a till's folder to another computer and sells with both. The server sees it, and one of the two stops
// with words.
func (w *town) copied(one *desk) {
	t := w.t
	one.toldTheSII()
	one.toldTheServer()
	must(t, one.shop.Close())
	twin := &desk{town: w, name: one.name + " copiada", opt: one.opt, toServer: one.toServer, toSII: one.toSII}
	twin.opt.Dir = filepath.Join(t.TempDir(), "copia")
	must(t, os.CopyFS(twin.opt.Dir, os.DirFS(one.opt.Dir)))
	one.open()
	one.sells(toNobody, pie, 1, sale.Efectivo)
	one.toldTheServer()
	twin.open()
	if status := twin.toldTheServer(); status.Hold == "" {
		t.Errorf("the copy may go on: %+v", status)
	}
	if r, err := twin.trySell(toNobody, pie, 1, sale.Efectivo); err == nil {
		t.Errorf("the copy issued %s", r.Key.ID())
	} else if !strings.Contains(err.Error(), "servidor") {
		t.Errorf("the copy says %v", err)
	}
	alarms, err := twin.shop.Alarms()
	if err != nil || len(alarms) == 0 || alarms[0].Kind != sale.AlarmServer {
		t.Errorf("its first notice: %+v %v", alarms, err)
	}
	must(t, twin.shop.Close())
	one.toldTheServer()
	one.sells(toNobody, pie, 1, sale.Efectivo)
}

// stolen: a till had told the server everything, and the SII only a part of it, of which it had no receipt, when it was carried
// away. The server takes what it told to the SII, over a line that fails twice, and asks before it sends. The thief gets
// nothing any more, and a new computer joins.
func (w *town) stolen() {
	t := w.t
	three := w.desk("CAJA3", false)
	three.joins()
	three.toldTheServer()
	three.sells(toNobody, pie, 2, sale.Efectivo)
	w.withoutReceipts(three.toldTheSII)
	three.toSII.cut()
	three.sells(factura, pie, 3, sale.Transferencia)
	three.sells(toNobody, pie, 1, sale.Efectivo)
	three.toldTheServer()
	w.tills = w.tills[:len(w.tills)-1]

	w.toSII.cut()
	w.asks(func(c *central.Call) error {
		tills, err := c.Tills()
		if err != nil {
			return err
		}
		id := tills[slices.IndexFunc(tills, func(x central.Till) bool { return x.Name == three.name })].ID
		if err := c.LoseTill(id); err != nil {
			return err
		}
		taken, left, err := c.TakeOver(id)
		if taken != 3 || left != 0 {
			t.Errorf("the server took over %d documents of a till that left 3, and left %d", taken, left)
		}
		return err
	})
	if _, err := three.shop.SyncServer(t.Context()); err == nil {
		t.Error("the server still speaks with a till that was declared lost")
	}
	if v := three.shop.Server(); !v.Ended {
		t.Errorf("a till that was declared lost says %+v", v)
	}
	must(t, three.shop.Close())

	w.drains()
	w.toSII.open()
	w.withoutReceipts(w.drains)
	w.drains()

	w.clock.pass(time.Hour)
	w.drains()

	four := w.desk("CAJA4", false)
	four.joins()
	four.toldTheServer()
	four.sells(toNobody, pie, 1, sale.Efectivo)
}

// withoutReceipts has the SII take in one upload while somebody sends, lose its answer, and fall silent.
func (w *town) withoutReceipts(send func()) {
	var taken atomic.Bool
	w.sii.SetFault(func(r *http.Request) siisim.Fault {
		switch {
		case taken.Load():
			return siisim.ResetBefore
		case isUpload(r):
			taken.Store(true)
			return siisim.SilenceAfter
		}
		return siisim.NoFault
	})
	before := w.atTheSII()
	send()
	w.sii.SetFault(nil)
	for key := range w.atTheSII() {
		if _, there := before[key]; !there {
			w.noReceipt[key] = true
		}
	}
	if !taken.Load() {
		w.t.Error("the SII was to take something in, and only its receipt to be lost")
	}
}

// drains has the server take its documents to the SII for a quarter of an hour, or until it has no more.
func (w *town) drains() {
	for end := w.clock.now().Add(15 * time.Minute); w.clock.now().Before(end); {
		turn, err := w.db.Drain(w.t.Context(), w.company.ID)
		must(w.t, err)
		if turn.Next.IsZero() {
			return
		}
		if turn.Next.After(w.clock.now()) {
			w.clock.set(turn.Next)
		} else {
			w.clock.pass(time.Second)
		}
	}
}

// settles: good weather until all has been told.
func (w *town) settles() {
	for range 2 { // one hears of the other's customers
		for _, d := range w.tills {
			if d.till.Snapshot().Shift.Open() {
				d.closes()
			}
			d.toldTheSII()
			if status := d.toldTheServer(); status.Unsent != 0 || status.Hold != "" || status.Problem != "" {
				w.t.Errorf("%s ends as %+v", d.name, status)
			}
		}
	}
}

// trusts gives a customer credit.
func (d *desk) trusts(rut dte.RUT, limit money.Pesos) {
	id, err := d.till.NewID()
	must(d.town.t, err)
	_, err = d.till.SetCreditLimit(id, rut, limit, "Rosa")
	must(d.town.t, err)
}

// pays takes money from a customer who owes.
func (d *desk) pays(rut dte.RUT, amount money.Pesos) {
	id, err := d.till.NewID()
	must(d.town.t, err)
	_, err = d.till.PayDebt(sale.Abono{ID: id, RUT: rut, Tender: sale.Tender{Method: sale.Efectivo, Received: amount}})
	must(d.town.t, err)
}

// takesBack some of what a sale has in its only line, which go back to the shelf.
func (d *desk) takesBack(r sale.Record, units int) {
	t := d.town.t
	t.Helper()
	if d.till.Snapshot().Stage == sale.Done {
		d.till.Next()
	}
	_, back, err := d.till.OpenReturn(r.Key)
	must(t, err)
	back.Lines, back.Reason = []sale.ReturnedLine{{Of: r.Key, Line: 1, Qty: money.Units(int64(units)), Restock: true}}, "Devolución"
	note, err := d.till.TakeBack(back)
	must(t, err)
	d.town.issued[note.Key] = note
	d.town.pies -= units
}

// closes the shift with a hundred pesos too little.
func (d *desk) closes() {
	if d.till.Snapshot().Stage == sale.Done {
		d.till.Next()
	}
	s := d.till.Snapshot().Shift
	closed, err := d.till.CloseShift(max(0, s.Expected()-100))
	must(d.town.t, err)
	d.town.closed = append(d.town.closed, z{d.name, closed.Number, closed.Sales, closed.Expected(), closed.Difference})
}

// losesAnswers lets requests through and cuts what comes back.
func (r *road) losesAnswers() { r.toxic("limit_data", "downstream", "bytes", 1) }

// rejoinsRoad has the till find the server again where its road came up: another program may have its port.
func (d *desk) rejoinsRoad() {
	if v, err := d.shop.Store.Server(); err != nil || v.URL != d.toServer.url() {
		d.town.t.Skipf("the port of the road was taken meanwhile: %v", err)
	}
}

// z is what a shift ends with.
type z struct {
	Till       string
	Number     int
	Sales      int
	Expected   money.Pesos
	Difference money.Pesos
}

// at is a document as one side has it.
type at struct {
	sha   string
	total money.Pesos
	state dte.State
}

// inTills are the documents in the tills' files.
func (w *town) inTills(tills ...*desk) map[dte.Key]at {
	all := map[dte.Key]at{}
	for _, d := range tills {
		list, err := d.shop.Documents(sale.DocumentQuery{Limit: 500})
		must(w.t, err)
		for _, doc := range list {
			if doc.Key.Tipo == sale.Comprobante || doc.Key.Tipo >= 900 {
				continue
			}
			xml, _, err := d.shop.Store.Document(doc.Key)
			must(w.t, err)
			all[doc.Key] = at{hashOf(xml), doc.Total, doc.State}
		}
	}
	return all
}

// atTheServer are those of the server's books, whose bytes are what their hash says.
func (w *town) atTheServer() map[dte.Key]at {
	all := map[dte.Key]at{}
	w.look(`select d.tipo, d.folio, d.xml, encode(d.sha256, 'hex'), s.monto_total, st.state
		from document d join sale s on s.id = d.sale_id join document_state st on st.sale_id = d.sale_id and st.version = d.version`,
		func(row pgx.CollectableRow) error {
			k, a, xml := dte.Key{Emisor: w.company.RUT}, at{}, []byte(nil)
			if err := row.Scan(&k.Tipo, &k.Folio, &xml, &a.sha, &a.total, &a.state); err != nil {
				return err
			}
			if hashOf(xml) != a.sha {
				w.t.Errorf("%s at the server is not what its hash says", k.ID())
			}
			all[k] = a
			return nil
		})
	return all
}

// atTheSII are those that it received, each once.
func (w *town) atTheSII() map[dte.Key]at {
	all := map[dte.Key]at{}
	for _, d := range w.sii.Documents() {
		if _, twice := all[d.Key]; twice {
			w.t.Errorf("the SII has %s twice", d.Key.ID())
		}
		all[d.Key] = at{d.SHA256, d.MntTotal, d.State}
	}
	return all
}

// look asks the company's tables, past all rights.
func (w *town) look(sql string, each func(pgx.CollectableRow) error, args ...any) {
	w.t.Helper()
	conn := centraltest.Superuser(w.t, w.db)
	_, err := conn.Exec(w.t.Context(), "set search_path to "+pgx.Identifier{w.company.Schema}.Sanitize())
	must(w.t, err)
	rows, err := conn.Query(w.t.Context(), sql, args...)
	must(w.t, err)
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, each(row) })
	must(w.t, err)
}

// sees: the server has every document of a till, byte for byte, and where it stands.
func (w *town) sees(d *desk) {
	w.t.Helper()
	there := w.atTheServer()
	for key, mine := range w.inTills(d) {
		if there[key] != mine {
			w.t.Errorf("%s of %s is %+v, and at the server %+v", key.ID(), d.name, mine, there[key])
		}
	}
}

// agrees: all sides say the same, and a table of it.
func (w *town) agrees() {
	t := w.t
	tills, server, authority := w.inTills(w.tills...), w.atTheServer(), w.atTheSII()
	for key, r := range w.issued {
		there := authority[key]
		if there.state == dte.Objected && w.noReceipt[key] {
			there.state = dte.Accepted // without a track id the SII tells that it has a document, and of no objection
		}
		if server[key] != there || there.total != r.Total {
			t.Errorf("%s was issued for %s; at the server it is %+v, at the SII %+v", key.ID(), r.Total, server[key], authority[key])
		}
		if mine, kept := tills[key]; kept && mine != server[key] {
			t.Errorf("%s is %+v at its till, and at the server %+v", key.ID(), mine, server[key])
		}
	}
	for name, side := range map[string]map[dte.Key]at{"the server": server, "the SII": authority} {
		if len(side) != len(w.issued) {
			t.Errorf("%s has %d documents, and %d were issued", name, len(side), len(w.issued))
		}
	}
	out := new(strings.Builder)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tcajas\tcentral\tSII\t")
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura, dte.NotaCredito} {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\n", tipo, tally(tills, tipo), tally(server, tipo), tally(authority, tipo))
	}
	w.debts(table)
	w.shifts(table)
	w.stock(table)
	must(t, table.Flush())
	t.Logf("\n%s%d documents are of no till any more: a lost copy told the server of them.", out, len(w.issued)-len(tills))
}

// tally is how many documents of a type a side has, and their sum.
func tally(side map[dte.Key]at, tipo dte.TipoDTE) string {
	n, sum := 0, money.Pesos(0)
	for key, a := range side {
		if key.Tipo == tipo {
			n, sum = n+1, sum+a.total
		}
	}
	return fmt.Sprintf("%d por $%s", n, sum)
}

// debts: what a customer owes is the sum of what moved at every till.
func (w *town) debts(table io.Writer) {
	owed := map[dte.RUT]money.Pesos{}
	for _, d := range w.tills {
		for _, c := range []dte.RUT{saletest.Buyer().RUT, newcomer.RUT} {
			_, moves, err := d.till.Debt(c)
			must(w.t, err)
			for _, m := range moves {
				owed[c] += m.Amount
			}
		}
	}
	w.look("select rut, balance from customer", func(row pgx.CollectableRow) error {
		var rut dte.RUT
		var balance money.Pesos
		err := row.Scan(&rut, &balance)
		if balance != owed[rut] {
			w.t.Errorf("%s owes %s by the movements at the tills, and %s at the server", rut, owed[rut], balance)
		}
		if balance != 0 {
			fmt.Fprintf(table, "debe %s\t$%s\t$%s\t\t\n", rut, owed[rut], balance)
		}
		delete(owed, rut)
		return err
	})
	maps.DeleteFunc(owed, func(_ dte.RUT, n money.Pesos) bool { return n == 0 })
	if len(owed) > 0 {
		w.t.Errorf("the server does not know who owes %v", owed)
	}
}

// shifts: each Z is at the server as it was at its till.
func (w *town) shifts(table io.Writer) {
	var there []z
	w.look(`select t.name, s.number, (s.z->>'sales')::int, (s.z->>'expected')::bigint, coalesce(s.z->>'difference', '0')::bigint
		from shift s join till t on t.id = s.till_id where s.end_time is not null order by 1, 2`, func(row pgx.CollectableRow) error {
		var s z
		err := row.Scan(&s.Till, &s.Number, &s.Sales, &s.Expected, &s.Difference)
		there = append(there, s)
		return err
	})
	slices.SortFunc(w.closed, func(a, b z) int { return cmp.Or(cmp.Compare(a.Till, b.Till), cmp.Compare(a.Number, b.Number)) })
	if !slices.Equal(there, w.closed) {
		w.t.Errorf("shifts of the tills\n%v\nand of the server\n%v", w.closed, there)
	}
	for i := range min(len(there), len(w.closed)) {
		fmt.Fprintf(table, "Z %d de %s\t$%s\t$%s\t\t\n", there[i].Number, there[i].Till, w.closed[i].Expected, there[i].Expected)
	}
}

// stock: what was counted in, less what was sold since.
func (w *town) stock(table io.Writer) {
	w.asks(func(c *central.Call) error {
		p, err := c.ProductByCode(pie)
		if want := money.Units(int64(pies - w.pies)); err == nil && p.Stock != want {
			w.t.Errorf("%s pies are left by what was sold, and %s at the server", want, p.Stock)
		}
		fmt.Fprintf(table, "quedan de %s\t%d\t%s\t\t\n", pie, pies-w.pies, p.Stock)
		return err
	})
}
