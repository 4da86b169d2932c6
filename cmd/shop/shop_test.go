package shop

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/assets"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
	"mostrador/printer"
	"mostrador/sale"
	"mostrador/store"
	possync "mostrador/sync"
)

const phrase = "dos perros y un gato"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// now is a clock that began at noon: no test runs over midnight, where the folios of today are not yesterday's.
var now = func() func() time.Time {
	start := time.Now()
	day := dte.DateOf(start)
	noon := time.Date(day.Year, day.Month, day.Day, 12, 0, 0, 0, dte.Santiago)
	return func() time.Time { return noon.Add(time.Since(start)) }
}()

// practice makes a practice shop whose passphrase is known.
func practice(t testing.TB) Options {
	t.Helper()
	o := Options{Dir: filepath.Join(t.TempDir(), "tienda"), Keys: "archivo", Now: now}
	info, err := assets.DemoShop()
	must(t, err)
	must(t, Create(o, info, phrase))
	s := opened(t, o)
	must(t, s.furnish())
	must(t, s.Close())
	return o
}

func opened(t testing.TB, o Options) *Shop {
	t.Helper()
	s, err := Open(o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sell makes one sale as a cashier does.
func sell(s *Shop) (sale.Record, error) {
	deps, err := s.Deps()
	if err != nil {
		return sale.Record{}, err
	}
	r, err := sale.NewRegister(deps)
	if err != nil {
		return sale.Record{}, err
	}
	if _, err := r.Add(r.Favourites()[0], money.One); err != nil {
		return sale.Record{}, err
	}
	if err := errors.Join(r.Charge(), r.Tender(sale.Efectivo, 0, "")); err != nil {
		return sale.Record{}, err
	}
	return r.Issue()
}

// paper is a printer on the network that can be switched on and off.
type paper struct {
	addr    string
	mu      sync.Mutex
	tickets int
}

// newPaper finds a free address for a printer that is off.
func newPaper(t *testing.T) *paper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return &paper{addr: l.Addr().String()}
}

func (p *paper) on(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", p.addr)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b, _ := io.ReadAll(c)
			c.Close()
			p.mu.Lock()
			if len(b) > 1000 {
				p.tickets++
			}
			p.mu.Unlock()
		}
	}()
}

var quick = possync.Pace{
	BoletaBatch: 5, BoletaWait: 50 * time.Millisecond, FirstPoll: 50 * time.Millisecond, MaxPoll: 200 * time.Millisecond,
	FirstRetry: 50 * time.Millisecond, MaxRetry: 200 * time.Millisecond, LineProbe: 50 * time.Millisecond, Patience: 100 * time.Millisecond,
}

// Twenty sales while the line is cut and mended and the printer is off at first: each is accepted, once, and has its paper.
func TestSalesThroughACutLineAndADeadPrinter(t *testing.T) {
	o := practice(t)
	sim, url, stop, err := StartSimulator(o)
	must(t, err)
	defer stop()
	device := newPaper(t)
	setting := opened(t, o)
	must(t, setting.SetPrinter(PrinterSetting{Device: "tcp:" + device.addr, Model: printer.Model{Paper: printer.Paper80}}))
	must(t, setting.Close())

	changed := make(chan Status, 1)
	printed := map[dte.Key]int{}
	o.Simulator, o.Pace = url, quick
	o.Report = func(s Status) {
		select {
		case <-changed:
		default:
		}
		changed <- s
	}
	o.Printed = func(j sale.PrintJob) { printed[j.Key]++ } // read after Close
	s := opened(t, o)
	must(t, s.Start())
	wait := func(what string, done func(Status) bool) {
		t.Helper()
		for limit := time.After(time.Minute); ; {
			select {
			case st := <-changed:
				if done(st) {
					return
				}
			case <-limit:
				b, err := s.Store.Backlog()
				t.Fatalf("%s: %+v %v", what, b, err)
			}
		}
	}

	const sales = 20
	var keys []dte.Key
	for n := 1; n <= sales; n++ {
		switch n {
		case 6:
			sim.SetLine(false)
		case 12:
			wait("the cut is noticed", func(st Status) bool { return st.Worker.Down && st.PrinterProblem != "" })
		case 15:
			sim.SetLine(true)
		case sales:
			device.on(t)
		}
		r, err := sell(s)
		must(t, err)
		keys = append(keys, r.Key)
	}
	wait("all accepted, all printed", func(st Status) bool {
		b, err := s.Store.Backlog()
		_, owed, printErr := s.Store.NextPrint()
		return err == nil && printErr == nil && b.Documents == 0 && !owed && st.PrinterProblem == "" && !st.Worker.Down
	})
	must(t, s.Close())
	received := map[dte.Key]int{}
	for _, d := range sim.Documents() {
		received[d.Key]++
	}
	for _, key := range keys {
		there, _ := sim.Document(key)
		if there.State != dte.Accepted || received[key] != 1 || printed[key] != 1 {
			t.Errorf("%s: %s, received %d times, printed %d times", key.ID(), there.State, received[key], printed[key])
		}
	}
	device.mu.Lock()
	defer device.mu.Unlock()
	if device.tickets != sales {
		t.Errorf("%d tickets came out", device.tickets)
	}
	again := opened(t, o)
	if r, err := again.Store.Audit(true); err != nil || !r.OK() || r.Documents != sales {
		t.Errorf("%+v %v", r, err)
	}
}

// A shop whose key is elsewhere says that it is locked, not that its certificate is missing, and sells once it is unlocked.
func TestALockedShopSaysSoAndSellsOnceUnlocked(t *testing.T) {
	o := practice(t)
	must(t, os.Remove(filepath.Join(o.Dir, keyFile)))
	s := opened(t, o)
	if _, err := s.Deps(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	if err := s.Start(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	if err := s.Unlock("otra frase cualquiera"); !errors.Is(err, store.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	must(t, s.Unlock(phrase))
	if _, err := sell(s); err != nil {
		t.Error(err)
	}
	must(t, s.Close())
	if _, err := sell(opened(t, o)); err != nil {
		t.Errorf("the key was not kept: %v", err)
	}
}

// A certificate that does not open (it was half imported, or its bytes are damaged) does not lock the owner out: the shop
// opens, says what is wrong, and takes another.
func TestABadCertificateDoesNotKeepTheShopShut(t *testing.T) {
	o := practice(t)
	s := opened(t, o)
	must(t, s.Store.PutSecret(secretPFXClave, []byte("otra")))
	must(t, s.Close())
	s = opened(t, o)
	if _, err := s.Deps(); err == nil || errors.Is(err, ErrNoSigner) {
		t.Errorf("a wrong password: %v", err)
	}
	pfx, _, err := siisim.NewSigner(rand.Reader, 11111111, "OTRA PERSONA", now())
	must(t, err)
	if _, err := s.ImportPFX(pfx, "equivocada"); err == nil {
		t.Error("a wrong password was imported")
	}
	_, err = s.ImportPFX(pfx, siisim.SignerPassword)
	must(t, err)
	if _, err := sell(s); err != nil {
		t.Error(err)
	}
}

// Start, Close and sales in any order: no race, no hang, no second pair of loops.
func TestLifecycle(t *testing.T) {
	o := practice(t)
	s := opened(t, o)
	must(t, s.Close()) // before Start
	must(t, s.Close())
	s = opened(t, o)
	must(t, s.Store.PutValue(valuePrinter, []byte("{")))
	var sellers sync.WaitGroup
	sellers.Go(func() {
		for range 3 {
			if _, err := sell(s); err != nil {
				t.Error(err)
			}
		}
	})
	must(t, s.Start())
	if err := s.Start(); err == nil {
		t.Error("started twice")
	}
	sellers.Wait()
	s.mu.Lock()
	problem := s.status.PrinterProblem
	s.mu.Unlock()
	if !strings.Contains(problem, "impresora no se entiende") {
		t.Errorf("a bad printer setting: %q", problem)
	}
	must(t, s.Close())
	must(t, s.Close())
}

// Two programs on one shop: the second says who is there and changes nothing.
func TestTheSecondProgramIsRefusedInWords(t *testing.T) {
	o := practice(t)
	opened(t, o)
	if _, err := Open(o); !errors.Is(err, store.ErrBusy) || !strings.Contains(err.Error(), "ya está abierto") {
		t.Errorf("%v", err)
	}
}

// The environment decides who is talked to: a real shop refuses a simulator, a practice shop knows no other address than
// its own machine's, and an unknown environment talks to nobody.
func TestPracticeAndRealNeverMeet(t *testing.T) {
	for ambiente, host := range map[dte.Ambiente]string{dte.Produccion: "palena", dte.Certificacion: "maullin"} {
		o := Options{Dir: filepath.Join(t.TempDir(), "tienda"), Keys: "archivo", Now: now}
		info := sale.Shop{Emisor: dtetest.Emisor(), Resolucion: dtetest.Resolucion(), Ambiente: ambiente, Caja: "CAJA1"}
		must(t, Create(o, info, phrase))
		o.Simulator = "http://127.0.0.1:1"
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "ésta es real") {
			t.Errorf("%s took a simulator: %v", ambiente, err)
		}
		o.Simulator = ""
		s := opened(t, o)
		if !strings.Contains(s.at.DTE, host) || strings.Contains(fmt.Sprint(s.at), "127.0.0.1") {
			t.Errorf("%s talks to %+v", ambiente, s.at)
		}
		info.Ambiente = "otro"
		must(t, s.Store.PutShop(info))
		must(t, s.Close())
		if _, err := Open(o); err == nil {
			t.Error("an unknown environment was opened")
		}
	}
	o := practice(t)
	s := opened(t, o)
	if !strings.HasPrefix(s.at.DTE, "http://127.0.0.1:") || !strings.HasPrefix(s.at.Boleta, "http://127.0.0.1:") || !strings.HasPrefix(s.at.BoletaUpload, "http://127.0.0.1:") {
		t.Errorf("practice talks to %+v", s.at)
	}
	must(t, s.Close())
	for _, bad := range []string{"https://palena.sii.cl", "http://10.0.0.1:80", "http://localhost.sii.cl", "127.0.0.1:80", "http://127.0.0.1.example.com"} {
		o.Simulator = bad
		if _, err := Open(o); err == nil {
			t.Errorf("practice would talk to %s", bad)
		}
	}
}

// A shop is made whole or not at all, whatever interrupts it, and the next try succeeds.
func TestAnInterruptedCreationLeavesNoHalfShop(t *testing.T) {
	o := Options{Dir: filepath.Join(t.TempDir(), "tienda"), Keys: "archivo", Now: now}
	info, err := assets.DemoShop()
	must(t, err)
	cut := errors.New("se cortó la luz")
	if err := o.whole(func(o Options) error { return errors.Join(create(o, info, phrase), cut) }); !errors.Is(err, cut) || o.Exists() {
		t.Errorf("%v, exists %v", err, o.Exists())
	}
	must(t, create(Options{Dir: filepath.Join(o.Dir, ".nueva"), Keys: "archivo", Now: now}, info, phrase)) // killed here
	if o.Exists() {
		t.Fatal("half a shop exists")
	}
	must(t, CreateDemo(o))
	if _, err := sell(opened(t, o)); err != nil {
		t.Error(err)
	}
	names, err := os.ReadDir(o.Dir)
	must(t, err)
	if slices.ContainsFunc(names, func(e os.DirEntry) bool { return e.Name() == ".nueva" }) {
		t.Errorf("%v", names)
	}
	must(t, os.Rename(o.Path(), o.Path()+".aparte"))
	if err := CreateDemo(o); err == nil || !strings.Contains(err.Error(), "llave de otra caja") {
		t.Errorf("the key of another store: %v", err)
	}
}
