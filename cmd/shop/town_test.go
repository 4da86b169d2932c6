package shop

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/assets"
	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	authority "mostrador/central/practice"
	"mostrador/central/tills"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
	"mostrador/sale"
)

// town is a shop of several tills with its server and the SII, each as in life: files on a disk, a PostgreSQL, sockets. Between
// every two of them there is a road that can be cut. One clock is everybody's, and only the test turns it.
type town struct {
	t       *testing.T
	clock   *clock
	sii     *authority.Practice
	siiAddr string
	db      *central.DB
	address string // of the server
	toSII   *road  // from the server
	company central.Company
	tills   []*desk
	closed  []z
	pies    int                     // sold
	issued  map[dte.Key]sale.Record // whoever issued it, and whatever became of his file
	// noReceipt are those that the SII took in without anybody hearing of it.
	noReceipt map[dte.Key]bool
}

// desk is a till of the town: its folder, the program that runs on it, and its two roads.
type desk struct {
	town            *town
	name            string
	opt             Options
	shop            *Shop
	till            *sale.Register
	toServer, toSII *road
	fresh           *Fresh // news for the register
}

// faraway is the SII as the server reaches it.
type faraway struct {
	*authority.Practice
	road *road
}

func (f faraway) Endpoints() sii.Endpoints { return sii.Single(f.road.url()) }

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, clock: &clock{t: centraltest.Start}, issued: map[dte.Key]sale.Record{}, noReceipt: map[dte.Key]bool{}}
	w.sii = centraltest.Practice(t, siisim.Config{Now: w.clock.now, ProcessingTime: 10 * time.Second})
	w.siiAddr = strings.TrimPrefix(w.sii.Endpoints().DTE, "http://")
	w.toSII = newRoad(t, w.siiAddr)
	return w
}

// opens makes the shop's server, with the company in it. The tills may have sold for years by then.
func (w *town) opens() {
	t := w.t
	t.Helper()
	w.db = centraltest.OpenPractising(t, centraltest.NewDatabase(t), w.clock.now, faraway{w.sii, w.toSII})
	info, err := assets.DemoShop()
	must(t, err)
	w.company = centraltest.Company(t, w.db, info.Emisor.RUT, centraltest.Account(t, w.db, "duena@ejemplo.cl", false))
	front := door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: w.clock.now})
	listening := httptest.NewUnstartedServer(nil)
	listening.Config = front.HTTP(tills.New(tills.Config{DB: w.db, Door: front}))
	listening.Start()
	t.Cleanup(listening.Close)
	w.address = listening.Listener.Addr().String()
	for _, d := range w.tills {
		d.toServer = newRoad(t, w.address)
	}
}

// asks is what a person of the company does at the server.
func (w *town) asks(fn func(*central.Call) error) {
	w.t.Helper()
	s, err := w.db.Login(w.t.Context(), "duena@ejemplo.cl", centraltest.Password)
	must(w.t, err)
	must(w.t, w.db.EnterCompany(w.t.Context(), s.ID, w.company.ID, fn))
}

// desk is a new till on a computer of its own. With folios it is the only one that its owner has, so far.
func (w *town) desk(name string, folios bool) *desk {
	t := w.t
	t.Helper()
	d := &desk{town: w, name: name, toSII: newRoad(t, w.siiAddr)}
	d.opt = Options{Dir: filepath.Join(t.TempDir(), name), Keys: "archivo", Now: w.clock.now, News: func(f Fresh) { d.fresh = &f }}
	info, err := assets.DemoShop()
	must(t, err)
	info.Caja = name
	must(t, Create(d.opt, info, phrase))
	d.believe()
	d.opt.Simulator = d.toSII.url()
	d.open()
	pfx, password, err := w.sii.Certificate(11111111, "PERSONA DE PRUEBA")
	must(t, err)
	_, err = d.shop.ImportPFX(pfx, password)
	must(t, err)
	products, err := assets.DemoProducts()
	must(t, err)
	must(t, d.shop.Store.ReplaceProducts(products))
	if folios {
		for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura, dte.NotaCredito} {
			file, err := w.sii.IssueCAF(info.Emisor.RUT, info.Emisor.RznSoc, tipo, 60)
			must(t, err)
			_, err = d.shop.ImportCAF(file)
			must(t, err)
		}
	}
	if w.address != "" {
		d.toServer = newRoad(t, w.address)
	}
	d.restart()
	w.tills = append(w.tills, d)
	return d
}

// believe has the folder trust the town's authority.
func (d *desk) believe() {
	file := filepath.Join(d.opt.Dir, simulatorDir, "llave.pem")
	must(d.town.t, os.MkdirAll(filepath.Dir(file), 0o700))
	must(d.town.t, os.WriteFile(file, dtetest.Authority().PEM(), 0o600))
}

// open starts the program.
func (d *desk) open() {
	t := d.town.t
	t.Helper()
	s, err := Open(d.opt)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	d.shop = s
	deps, err := s.Deps()
	if errors.Is(err, ErrNoSigner) {
		return
	}
	must(t, err)
	d.till, err = sale.NewRegister(deps)
	must(t, err)
}

// restart ends the program and starts it again.
func (d *desk) restart() {
	must(d.town.t, d.shop.Close())
	d.open()
}

// A cashier's acts.

// sells one sale, paid in cash or otherwise, and returns what was issued.
func (d *desk) sells(ch sale.Choice, code string, units int, method sale.Method) sale.Record {
	d.town.t.Helper()
	r, err := d.trySell(ch, code, units, method)
	if err != nil {
		d.town.t.Fatalf("%s: %v", d.name, err)
	}
	return r
}

func (d *desk) trySell(ch sale.Choice, code string, units int, method sale.Method) (sale.Record, error) {
	r := d.till
	if r.Snapshot().Stage == sale.Done {
		r.Next()
	}
	if _, err := r.Quote(code); err != nil {
		return sale.Record{}, err
	}
	if _, err := r.Scan(code); err != nil {
		return sale.Record{}, err
	}
	err := errors.Join(r.SetQty(money.Units(int64(units))), r.Choose(ch), r.Charge())
	if err == nil && r.Snapshot().Due > 0 {
		err = r.Pay(sale.Tender{Method: method})
	}
	if err != nil {
		r.Back()
		return sale.Record{}, errors.Join(err, r.Void("ensayo"))
	}
	record, err := r.Issue()
	if err == nil {
		if _, twice := d.town.issued[record.Key]; twice {
			d.town.t.Errorf("%s issued %s, which had been issued", d.name, record.Key.ID())
		}
		d.town.issued[record.Key] = record
		if code == pie {
			d.town.pies += units
		}
	}
	return record, err
}

// toldTheSII works until the SII has decided everything of this till, or its line is down.
func (d *desk) toldTheSII() {
	w := d.town
	w.t.Helper()
	worker, err := d.shop.newWorker()
	must(w.t, err)
	for range 500 {
		next := worker.Step(w.t.Context())
		status := worker.Status()
		if status.Backlog.Documents == 0 || status.Down {
			return
		}
		if next.After(w.clock.now()) {
			w.clock.set(next)
		} else {
			w.clock.pass(time.Second)
		}
	}
	w.t.Fatalf("%s has not come to an end with the SII: %+v", d.name, worker.Status())
}

// toldTheServer tells everything, and takes in what is new.
func (d *desk) toldTheServer() ServerStatus {
	d.town.t.Helper()
	status, err := d.shop.SyncServer(d.town.t.Context())
	if err != nil {
		d.town.t.Fatalf("%s: %v", d.name, err)
	}
	if d.fresh != nil && d.till != nil {
		now := d.shop.Current(*d.fresh)
		d.till.SetNews(now.Catalogue, now.Prices)
		d.fresh = nil
	}
	return status
}

// triesTheServer must fail, and for the line's sake.
func (d *desk) triesTheServer() {
	d.town.t.Helper()
	_, err := d.shop.SyncServer(d.town.t.Context())
	if e, ok := errors.AsType[*api.Error](err); !ok || e.Verdict != api.Later {
		d.town.t.Fatalf("%s: on a bad road: %v", d.name, err)
	}
}

// joins by a code that a person asks the server for.
func (d *desk) joins() {
	w := d.town
	w.t.Helper()
	var code string
	w.asks(func(c *central.Call) error {
		i, err := c.InviteTill(d.name)
		code = i.Code
		return err
	})
	must(w.t, d.shop.JoinServer(w.t.Context(), d.toServer.url(), code))
}
