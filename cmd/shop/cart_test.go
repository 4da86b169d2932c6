package shop

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/store"
)

// The counter's book is a journal like any other.
func TestBookSuite(t *testing.T) {
	saletest.RunJournal(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		dir := t.TempDir()
		s, err := store.Open(filepath.Join(dir, "caja.db"), store.Options{Keys: store.KeyFile{Path: filepath.Join(dir, "llave")}})
		must(t, err)
		must(t, s.Protect(phrase))
		must(t, s.PutShop(saletest.Shop()))
		b := newBook(s, func() {}, func(dte.TipoDTE) {})
		t.Cleanup(func() { must(t, errors.Join(b.close(), s.Close())) })
		return b, func(file []byte) {
			// At the day of authorisation even what is expired today can be imported.
			caf, err := dte.ParseCAF(file)
			must(t, err)
			_, err = s.ImportCAF(file, dtetest.Trust(), time.Date(caf.FA.Year, caf.FA.Month, caf.FA.Day, 12, 0, 0, 0, dte.Santiago))
			must(t, err)
		}
	})
}

// However fast the scans come, the last cart is what the file has, and every event is in the chain once.
func TestTheLastCartIsWritten(t *testing.T) {
	s := opened(t, practice(t))
	b := newBook(s.Store, func() {}, func(dte.TipoDTE) {})
	const n = 300
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 50 {
			if _, err := b.LoadCart(); err != nil {
				t.Error(err)
			}
		}
	})
	cart := sale.Cart{ID: "a"}
	for i := range n {
		cart.Lines = append(cart.Lines, sale.Line{Codigo: fmt.Sprint(i), Qty: money.One})
		must(t, b.SaveCart(cart, sale.Event{At: now(), Kind: sale.EventRemoved, What: fmt.Sprint(i)}))
	}
	wg.Wait()
	must(t, b.close())
	got, err := s.Store.LoadCart()
	if err != nil || len(got.Lines) != n {
		t.Errorf("%d lines, %v", len(got.Lines), err)
	}
	events, err := s.Store.Events(2 * n)
	if err != nil || len(events) != n || events[0].What != fmt.Sprint(n-1) || events[n-1].What != "0" {
		t.Errorf("%d events, %v", len(events), err)
	}
	if err := b.SaveCart(cart); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// A cart that could not be written is told before anybody pays, and nothing of it is lost once the disk works again.
func TestACartThatCannotBeWrittenIsTold(t *testing.T) {
	s := opened(t, practice(t))
	b := newBook(s.Store, func() {}, func(dte.TipoDTE) {})
	huge := sale.Cart{ID: sale.ID(strings.Repeat("x", 10)), Lines: []sale.Line{{Codigo: "A", Qty: money.One}}}
	must(t, s.Store.Close())
	must(t, b.SaveCart(huge, sale.Event{Kind: sale.EventRemoved, What: "A"})) // written behind: nobody knows yet
	if _, err := b.LoadCart(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("LoadCart: %v", err)
	}
	if err := b.Ready(now()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Ready: %v", err)
	}
	if err := b.SaveCart(huge); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the next change: %v", err)
	}
	if b.cart == nil || len(b.events) != 1 {
		t.Error("what could not be written is forgotten")
	}
	if err := b.close(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("close: %v", err)
	}
}

// The name of a charge is on the disk before the terminal hears it: otherwise a power cut would forget whose charge it was,
// and the buyer would pay twice.
func TestNoCardIsChargedForACartThatIsNotOnDisk(t *testing.T) {
	s := opened(t, practice(t))
	deps, err := s.Deps()
	must(t, err)
	r, err := sale.NewRegister(deps)
	must(t, err)
	_, err = r.Add(r.Favourites()[0], money.One)
	must(t, err)
	must(t, r.Charge())
	must(t, s.Store.Close())
	if ref, _, err := r.BeginCard(sale.Debito, 0); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the terminal may charge %s: %v", ref, err)
	}
}

// Whoever reads the book reads the newest cart and its events, written or not.
func TestTheNewestCartIsRead(t *testing.T) {
	s := opened(t, practice(t))
	cart := sale.Cart{ID: "a"}
	for i := range 60 {
		cart.Lines = append(cart.Lines, sale.Line{Codigo: fmt.Sprint(i), Qty: money.One})
		must(t, s.book.SaveCart(cart, sale.Event{At: now(), Kind: sale.EventRemoved, What: fmt.Sprint(i)}))
		if i%2 == 0 {
			got, err := s.book.LoadCart()
			if err != nil || len(got.Lines) != i+1 {
				t.Fatalf("cart %d: %d lines, %v", i, len(got.Lines), err)
			}
			continue
		}
		if got, err := s.book.Events(1); err != nil || len(got) != 1 || got[0].What != fmt.Sprint(i) {
			t.Fatalf("event %d: %+v, %v", i, got, err)
		}
	}
}

// A sale that ends takes its cart along, however late that would have been written.
func TestAnEndedSaleLeavesNoCart(t *testing.T) {
	s := opened(t, practice(t))
	lines := make([]sale.Line, 200)
	for i := range 40 {
		id := sale.ID(fmt.Sprint("v", i))
		must(t, s.book.SaveCart(sale.Cart{ID: id, Lines: lines}))
		_, err := s.book.KeepVoucher(sale.Record{
			ID: id, At: now(), Caja: s.Info.Caja, Key: dte.Key{Emisor: s.Info.Emisor.RUT, Tipo: sale.Comprobante}, Total: 1990,
			Lines:   []sale.Line{{Codigo: "A1", Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(1990), Total: 1990}},
			Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Debito, Amount: 1990, Received: 1990, Reference: "004512"}}},
		})
		must(t, err)
		if cart, err := s.book.LoadCart(); err != nil || cart.ID != "" {
			t.Fatalf("round %d: the cart %q is still there, %v", i, cart.ID, err)
		}
	}
}

// Who pays a debt waits for his slip: the printer hears of it at once.
func TestAnAbonoWakesThePrinter(t *testing.T) {
	s := opened(t, practice(t))
	woken := 0
	b := newBook(s.Store, func() { woken++ }, func(dte.TipoDTE) {})
	_, err := sale.SetCreditLimit(b, "l1", now(), 12345678, 1000, "Rosa")
	must(t, err)
	if woken == 0 {
		t.Error("the printer sleeps on")
	}
	must(t, b.close())
}

// What the diagnosis says of the disk: from the oldest change that a writing took along until it is on disk.
func TestTheCartsDelayIsMeasured(t *testing.T) {
	s := opened(t, practice(t))
	if last, worst := s.CartDelay(); last != 0 || worst != 0 {
		t.Errorf("before the first scan: %v, %v", last, worst)
	}
	before := time.Now()
	must(t, s.book.SaveCart(sale.Cart{ID: "a"}))
	must(t, s.book.flush())
	last, worst := s.CartDelay()
	if last <= 0 || last > time.Since(before) || worst != last {
		t.Errorf("after it: %v, %v", last, worst)
	}
}
