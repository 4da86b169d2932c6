package store

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// The crash test runs this test binary again as a till that sells as fast as it can, kills it at random moments, and
// looks at what is left. MOSTRADOR_TORTURE is the number of rounds. Killing a process proves that a sale is whole or
// absent, not that the disk kept it: TestPowerCut proves that.
const (
	childDir   = "MOSTRADOR_CRASH_DIR"
	childRound = "MOSTRADOR_CRASH_ROUND"
	childSales = "MOSTRADOR_CRASH_SALES" // sell only so many, each until it succeeds; none: sell for ever
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func rounds(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("MOSTRADOR_TORTURE")); err == nil {
		return n
	}
	if testing.Short() {
		return 5
	}
	return 40
}

// child is a till. It writes "id folio" after each sale that the store acknowledged, and does everything else that
// writes in between.
func child(dir string) (err error) {
	s, err := Open(filepath.Join(dir, "caja.db"), Options{Keys: KeyFile{filepath.Join(dir, "llave")}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Unhold(saletest.Now); err != nil { // the server lets go of what was killed while it was held
		return err
	}
	few, _ := strconv.Atoi(os.Getenv(childSales))
	// Each round begins with another chore: a till is killed before it has done all of them.
	round, _ := strconv.Atoi(os.Getenv(childRound))
	for i := 0; few == 0 || i < few; i++ {
		id := sale.ID(fmt.Sprintf("r%s-%d", os.Getenv(childRound), i))
		r, err := sell(s, id)
		for try := 0; err != nil && try < few; try++ {
			r, err = sell(s, id) // as a cashier does: the same sale again
		}
		if err != nil {
			return err
		}
		fmt.Println(id, int(r.Key.Folio))
		if err := chores(s, dir, i+5*round); err != nil && few == 0 {
			return err
		}
	}
	return nil
}

func sell(s *Store, id sale.ID) (sale.Record, error) {
	return s.Issue(id, dte.Boleta, saletest.Now, saletest.Build(id, dte.Boleta, saletest.Now, 1000))
}

func chores(s *Store, dir string, i int) error {
	if i%8 == 6 {
		if err := tellSome(s, i/8); err != nil {
			return err
		}
	}
	switch i % 12 {
	case 1, 7:
		if _, err := s.OpenShift(saletest.Now, "", 100); !errors.Is(err, sale.ErrShift) {
			return err
		}
		_, err := s.CloseShift(saletest.Now, "", 100)
		return err
	case 3:
		return swapSome(s, sale.ID(fmt.Sprintf("slip%s/%d", os.Getenv(childRound), i)))
	case 4:
		return envelopSome(s)
	case 5, 6, 8:
		return moveSome(s)
	case 0, 2:
		return leadSomeOn(s)
	case 9:
		if job, ok, err := s.NextPrint(); err != nil || ok {
			return errors.Join(err, s.PrintDone(job.ID))
		}
	case 10:
		file, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("caf%d.xml", i/12)))
		if err != nil {
			return nil // no more of them
		}
		trust, err := trustOf(dir)
		if err != nil {
			return err
		}
		if _, err = s.ImportCAF(file, trust, saletest.Now); !errors.Is(err, ErrCAFImported) {
			return err
		}
	case 11:
		_, err := s.BackupFile(filepath.Join(dir, "respaldo.db"))
		return err
	}
	return nil
}

// trustOf trusts the authority of the parent.
func trustOf(dir string) (dte.Trust, error) {
	pem, err := os.ReadFile(filepath.Join(dir, "trust.pem"))
	if err != nil {
		return dte.Trust{}, err
	}
	a, err := dte.OpenAuthority(dte.IDKSimulador, pem, nil)
	if err != nil {
		return dte.Trust{}, err
	}
	return dte.Trust{}.With(a.IDK(), a.Public()), nil
}

// tellSome joins a server, another one now and then, and is held and let go, or tells it a part of what it has not heard.
func tellSome(s *Store, i int) error {
	if err := s.JoinServer(Server{URL: "https://tienda.example", TillID: int64(i/4 + 1), At: saletest.Now}, []byte("ficha")); err != nil {
		return err
	}
	if i%2 == 0 {
		return errors.Join(s.Hold("se averigua", saletest.Now), s.Unhold(saletest.Now))
	}
	head, _, err := s.Points(func(int64) []int64 { return nil })
	if err != nil {
		return err
	}
	c, err := s.Chunk(head, Bounds{Entries: 1, States: 2, Bytes: 1})
	if err != nil {
		return err
	}
	return errors.Join(s.ToldServer(c.States), s.ServerHas(head))
}

func envelopSome(s *Store) error {
	list, err := s.Documents(sale.DocumentQuery{States: []dte.State{dte.Issued}, Limit: 3})
	if err != nil || len(list) == 0 {
		return err
	}
	var keys []dte.Key
	for _, d := range list {
		keys = append(keys, d.Key)
	}
	_, err = s.NewSobre(dte.Sobre{Boletas: true, Keys: keys, XML: []byte("<EnvioBOLETA/>"), CreatedAt: saletest.Now})
	return err
}

// swapSome exchanges goods of the first document for others of the same worth, and tells the slip's number.
func swapSome(s *Store, id sale.ID) error {
	list, err := s.Documents(sale.DocumentQuery{Folio: 1, Limit: 1})
	if err != nil || len(list) == 0 {
		return err
	}
	lines := []sale.Line{{Codigo: "1", Nombre: "Té", Qty: money.One}}
	x := &sale.Exchange{Of: list[0].Key, Lines: []sale.ReturnedLine{{Of: list[0].Key, Line: 1, Qty: money.One, Worth: 1000}}, Reason: "otra talla"}
	if err := s.SaveCart(sale.Cart{ID: id, Lines: lines, Exchange: x}); err != nil {
		return err
	}
	r, err := s.KeepSlip(sale.Record{
		ID: id, At: saletest.Now, Key: dte.Key{Emisor: x.Of.Emisor, Tipo: sale.Cambio}, Lines: lines, Returned: x.Lines, Reason: x.Reason,
	})
	if err == nil {
		fmt.Println(id, int(r.Key.Folio))
	}
	return err
}

// moveSome takes the oldest envelope one step on.
func moveSome(s *Store) error {
	open, err := s.OpenSobres()
	if err != nil || len(open) == 0 {
		return err
	}
	o := open[0]
	switch o.State {
	case dte.Enveloped, dte.Unknown:
		o.State = dte.Sending
	case dte.Sending:
		o.State = dte.Sent
	case dte.Sent:
		var verdicts []dte.Veredicto
		for _, k := range o.Keys {
			verdicts = append(verdicts, judged(k))
		}
		return s.Settle(o.ID, verdicts)
	}
	return s.UpdateSobre(o)
}

// judged refuses three of four documents, each kind for its act, and accepts the others. What was corrected or sent again
// is refused again, so that histories grow.
func judged(k dte.Key) dte.Veredicto {
	code := []string{"", saletest.ResendCode, saletest.CorrectCode, saletest.ReissueCode}[k.Folio%4]
	if code == "" {
		return dte.Veredicto{Key: k, State: dte.Accepted}
	}
	return dte.Veredicto{Key: k, State: dte.Rejected, Codigo: code}
}

// leadSomeOn does what can be done about the oldest refused documents, and tells how many acts each has since.
func leadSomeOn(s *Store) error {
	f, err := s.Facts(saletest.Now)
	if err != nil {
		return err
	}
	for _, task := range f.Rejected[:min(3, len(f.Rejected))] {
		past, err := s.Remedies(task.Key)
		if err != nil {
			return err
		}
		_, was, err := s.Document(task.Key)
		if err != nil {
			return err
		}
		asked := saletest.Asked(sale.ActsFor(task.Veredicto)[0], task.Key, sale.ID(fmt.Sprintf("%s/%d", task.Key, len(past)+1)))
		build := saletest.Corrected(was, fmt.Sprint(" ", len(past)+1))
		if asked.Act == sale.ActReissue {
			build = saletest.Reissued(was, asked)
		}
		if _, err := s.Remedy(asked, build); err != nil {
			return err
		}
		fmt.Println(actMark+strconv.Itoa(int(task.Key.Folio)), len(past)+1)
	}
	return nil
}

// actMark begins the line that acknowledges an act about a folio.
const actMark = "*"

// crashSite is a folder with a store, a witness of what was acknowledged, and the checks after a crash.
type crashSite struct {
	*till
	dir          string
	acknowledged map[sale.ID]dte.Folio
	slips        map[sale.ID]dte.Folio
	remedied     map[dte.Folio]int // acts that were acknowledged
}

func newCrashSite(t *testing.T, dir string) *crashSite {
	t.Helper()
	b := &till{t: t, path: filepath.Join(dir, "caja.db"), keys: KeyFile{filepath.Join(dir, "llave")}}
	b.open()
	b.must(b.Protect(phrase))
	b.must(b.PutShop(saletest.Shop()))
	b.caf(dte.Boleta, 1, 1_000_000)
	for i := range 20 {
		b.must(writeFile(filepath.Join(dir, fmt.Sprintf("caf%d.xml", i)),
			saletest.CAF(dte.Factura, dte.Folio(i*10+1), dte.Folio(i*10+10), dtetest.FA())))
	}
	b.must(writeFile(filepath.Join(dir, "trust.pem"), dtetest.Authority().PEM()))
	refuseSome(b, 90) // so that whoever has that chore early has something to lead on
	b.close()
	return &crashSite{till: b, dir: dir, acknowledged: map[sale.ID]dte.Folio{}, slips: map[sale.ID]dte.Folio{}, remedied: map[dte.Folio]int{}}
}

// refuseSome sells and has the SII judge it all, so that whoever dies early has refused documents before him.
func refuseSome(b *till, n int) {
	b.t.Helper()
	o := dte.Sobre{Boletas: true, XML: []byte("<EnvioBOLETA/>"), CreatedAt: saletest.Now}
	var verdicts []dte.Veredicto
	for i := range n {
		r, err := sell(b.Store, sale.ID(fmt.Sprint("refused", i)))
		b.must(err)
		o.Keys, verdicts = append(o.Keys, r.Key), append(verdicts, judged(r.Key))
	}
	o, err := b.NewSobre(o)
	b.must(err)
	for _, o.State = range []dte.State{dte.Sending, dte.Sent} {
		b.must(b.UpdateSobre(o))
	}
	b.must(b.Settle(o.ID, verdicts))
}

// run starts a till and notes what it acknowledges until it ends. then, if set, is called once, when it has acknowledged so much.
func (c *crashSite) run(round int, command []string, env []string, after int, then func(*os.Process)) (complaints string, err error) {
	c.t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(append(os.Environ(), childDir+"="+c.dir, childRound+"="+strconv.Itoa(round)), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	c.must(err)
	c.must(cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var id string
		var folio int
		if _, err := fmt.Sscan(lines.Text(), &id, &folio); err == nil {
			c.note(id, folio)
		}
		if n == after && then != nil {
			then(cmd.Process)
		}
	}
	err = cmd.Wait()
	return stderr.String(), err
}

// note keeps what a line acknowledged: a sale and its folio, or a folio and how many acts it has seen.
func (c *crashSite) note(word string, n int) {
	c.t.Helper()
	folio, isAct := strings.CutPrefix(word, actMark)
	switch {
	case strings.HasPrefix(word, "slip"):
		c.slips[sale.ID(word)] = dte.Folio(n)
		return
	case !isAct:
		c.acknowledged[sale.ID(word)] = dte.Folio(n)
		return
	}
	f, err := strconv.Atoi(folio)
	c.must(err)
	c.remedied[dte.Folio(f)] = n
}

// check opens what is left: it must be healthy and have every sale that was acknowledged.
func (c *crashSite) check(what string) {
	c.t.Helper()
	c.open()
	r := c.healthy()
	if r.Documents < len(c.acknowledged) {
		c.t.Errorf("%s: %d documents and %d acknowledged sales", what, r.Documents, len(c.acknowledged))
	}
	for id, folio := range c.acknowledged {
		if kept, err := c.Sale(id); err != nil || kept.Key.Folio != folio {
			c.t.Errorf("%s: %s was acknowledged with folio %d and is %d, %v", what, id, folio, kept.Key.Folio, err)
		}
	}
	c.checkSlips(what)
	for folio, n := range c.remedied {
		past, err := c.Remedies(dte.Key{Emisor: saletest.Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: folio})
		if err != nil || len(past) < n {
			c.t.Errorf("%s: %d acts about folio %d were acknowledged, there are %d (%v)", what, n, folio, len(past), err)
		}
	}
	c.close()
	backup := filepath.Join(c.dir, "respaldo.db")
	if _, err := os.Stat(backup); err == nil {
		if _, err := VerifyBackup(backup); err != nil {
			c.t.Errorf("%s: backup: %v", what, err)
		}
	}
	if c.t.Failed() {
		c.t.Fatalf("%s failed", what)
	}
}

// checkSlips: every exchange is whole, with what it took back and without its cart, or it is not there and its cart is.
func (c *crashSite) checkSlips(what string) {
	c.t.Helper()
	a, err := c.Against(dte.Key{Emisor: saletest.Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: 1})
	c.must(err)
	list, err := c.Slips(saletest.Now, saletest.Now.Add(1))
	c.must(err)
	if len(a.Exchanged) != len(list) || len(list) < len(c.slips) {
		c.t.Errorf("%s: %d slips, %d acknowledged, %d counted", what, len(list), len(c.slips), len(a.Exchanged))
	}
	for id, n := range c.slips {
		if kept, err := c.Sale(id); err != nil || kept.Key.Tipo != sale.Cambio || kept.Key.Folio != n {
			c.t.Errorf("%s: %s was acknowledged as slip %d and is %s, %v", what, id, n, kept.Key, err)
		}
	}
	cart, err := c.LoadCart()
	c.must(err)
	if kept, err := c.Sale(cart.ID); err == nil {
		c.t.Errorf("%s: the cart of %s is still open", what, kept.Key)
	}
}

// soon calls fn after a random time of up to 40 ms.
func soon(random *rand.Rand, fn func()) {
	time.AfterFunc(time.Duration(random.IntN(40_000))*time.Microsecond, fn)
}

func newRandom(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func TestKilledAtAnyMoment(t *testing.T) {
	random := newRandom(t)
	c := newCrashSite(t, t.TempDir())
	for round := range rounds(t) {
		// A time alone would let a slow machine come to its first sale and no further.
		complaints, err := c.run(round, os.Args[:1], nil, random.IntN(6), func(p *os.Process) { soon(random, func() { _ = p.Kill() }) })
		if err == nil || complaints != "" {
			t.Fatalf("round %d: the till ended by itself: %v %s", round, err, complaints)
		}
		c.check(fmt.Sprint("round ", round))
	}
	if len(c.acknowledged) == 0 {
		t.Error("nothing was ever sold")
	}
	if len(c.remedied) == 0 && !testing.Short() { // a slow machine gets as far in many rounds, not in each
		t.Error("nothing refused was ever led on")
	}
	if len(c.slips) == 0 && !testing.Short() {
		t.Error("nothing was ever exchanged")
	}
	t.Logf("%d sales and %d exchanges acknowledged, %d refused documents led on", len(c.acknowledged), len(c.slips), len(c.remedied))
}
