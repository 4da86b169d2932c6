package shop

import (
	"context"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// sellsMany issues n boletas of three lines as the counter does, and tells how long each took from the payment to the disk, and
// each scan until its picture is ready to draw.
func sellsMany(b *testing.B, r *sale.Register, n int) (charges, scans []time.Duration) {
	b.Helper()
	for range n {
		for range 3 {
			start := time.Now()
			_, err := r.Add(r.Favourites()[0], money.One)
			must(b, err)
			_ = r.Snapshot()
			scans = append(scans, time.Since(start))
		}
		must(b, r.Charge())
		must(b, r.Tender(sale.Efectivo, 0, ""))
		start := time.Now()
		_, err := r.Issue()
		must(b, err)
		charges = append(charges, time.Since(start))
		r.Next()
	}
	return charges, scans
}

// waitingShop is a till of a real server, with so many sales that the server has not heard of.
func waitingShop(b *testing.B, waiting int) (*Shop, *sale.Register) {
	b.Helper()
	v := newServed(b)
	v.folios(1, 50_000, dte.Boleta)
	s := opened(b, v.branch())
	_, err := s.ImportCAF(saletest.CAF(dte.Boleta, 100_000, 150_000, dte.DateOf(s.opt.Now())))
	must(b, err)
	v.joins(s, "Caja 1", v.url)
	v.settles(s)
	deps, err := s.Deps()
	must(b, err)
	r, err := sale.NewRegister(deps)
	must(b, err)
	sellsMany(b, r, waiting)
	return s, r
}

// BenchmarkServer is a till that has been without its server: how long a thousand sales take to be told to a real one, over HTTP
// into PostgreSQL, each verified there; and what the counter feels of it.
func BenchmarkServer(b *testing.B) {
	b.Run("tell-1000-sales", func(b *testing.B) {
		s, r := waitingShop(b, 0)
		var took []time.Duration
		for b.Loop() {
			b.StopTimer()
			sellsMany(b, r, 1000)
			b.StartTimer()
			start := time.Now()
			_, err := s.SyncServer(context.Background())
			must(b, err)
			took = append(took, time.Since(start))
		}
		report(b, took)
	})
	for _, telling := range []bool{false, true} {
		name := map[bool]string{false: "counter-idle", true: "counter-telling"}[telling]
		b.Run(name, func(b *testing.B) {
			s, r := waitingShop(b, 3000)
			done := make(chan error, 1)
			if telling {
				go func() {
					_, err := s.SyncServer(context.Background())
					done <- err
				}()
			} else {
				done <- nil
			}
			var charges, scans []time.Duration
			for range b.N { // once: making what waits takes longer than any benchtime
				c, sc := sellsMany(b, r, 100)
				charges, scans = append(charges, c...), append(scans, sc...)
			}
			if telling && b.N == 1 && len(done) > 0 {
				b.Error("all was told before the counter had sold anything to speak of")
			}
			must(b, <-done)
			report(b, charges)
			reportAs(b, "scan-", scans)
		})
	}
}
