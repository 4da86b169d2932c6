package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestCustomersSuite(t *testing.T) {
	saletest.RunCustomers(t, func(t *testing.T) sale.Customers { return newTill(t).Store })
}

func TestCustomersSurviveTheProgram(t *testing.T) {
	b := newTill(t)
	b.must(b.PutCustomers(saletest.Now, saletest.Buyer()))
	b.reopenFile()
	got, err := b.Customer(saletest.Buyer().RUT)
	if err != nil || !got.Same(saletest.Buyer()) || got.Version != 1 {
		t.Errorf("after reopening: %+v, %v", got, err)
	}
	if found, err := b.FindCustomers("aromos", 5); err != nil || len(found) != 1 {
		t.Errorf("after reopening the search finds %v, %v", found, err)
	}
}

// A write that fails leaves the index as the file is.
func TestCustomersAfterAFailedWrite(t *testing.T) {
	b := newTill(t)
	b.must(b.PutCustomers(saletest.Now, saletest.Buyer()))
	if _, err := b.FindCustomers("", 1); err != nil {
		t.Fatal(err)
	}
	b.commit = func(tx *bolt.Tx) error { return errors.New("the disk went away") }
	changed := saletest.Buyer()
	changed.RznSoc = "Distribuidora Nueva"
	b.wantErr(b.PutCustomers(saletest.Now, changed), ErrNotWritten)
	b.commit = (*bolt.Tx).Commit
	for text, want := range map[string]int{"aromos": 1, "nueva": 0} {
		if found, err := b.FindCustomers(text, 5); err != nil || len(found) != want {
			t.Errorf("%q finds %v, %v; want %d", text, found, err, want)
		}
	}
}

// Nobody knows what a write did whose file went away in the middle; once the file is back, the search tells what it holds.
func TestCustomersAfterAnUnknownWrite(t *testing.T) {
	b := newTill(t)
	b.must(b.PutCustomers(saletest.Now, saletest.Buyer()))
	if _, err := b.FindCustomers("", 1); err != nil {
		t.Fatal(err)
	}
	b.commit = func(tx *bolt.Tx) error {
		return errors.Join(tx.Commit(), os.Rename(b.path, b.path+".gone"), errors.New("the disk went away"))
	}
	changed := saletest.Buyer()
	changed.RznSoc = "Distribuidora Nueva"
	b.wantErr(b.PutCustomers(saletest.Now, changed), sale.ErrUnknown)
	b.commit = (*bolt.Tx).Commit
	b.must(os.Rename(b.path+".gone", b.path))
	for text, want := range map[string]int{"aromos": 0, "nueva": 1} {
		if found, err := b.FindCustomers(text, 5); err != nil || len(found) != want {
			t.Errorf("%q finds %v, %v; want %d", text, found, err, want)
		}
	}
}

// BenchmarkFindCustomers types queries of every kind into a book of 50,000 and reports how long the slower ones take.
func BenchmarkFindCustomers(b *testing.B) {
	s := newTill(b)
	s.must(s.PutCustomers(saletest.Now, manyCustomers(50_000)...))
	s.reopenFile()
	start := time.Now()
	if _, err := s.FindCustomers("", 1); err != nil {
		b.Fatal(err)
	}
	opened := time.Since(start)
	queries := []string{
		"s", "so", "soc", "sociedad", "comercial", "comercial san", "sociedad limitada", "aridos maipo", "pedro", "aridos maipo limitada 41999",
		"7", "76", "76.1", "76.192.083-9", "1", "12", "9", "98", "comerical", "sociedda areidos", "zzzz", "aridos pedro del", "limitada spa", "49999",
		"sosiedad limitads", "dxl maixo", "agricola agricola", "cliente", "y", "y y",
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		if _, err := s.FindCustomers(queries[i%len(queries)], 20); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
	b.ReportMetric(float64(opened.Milliseconds()), "first-ms")
}

// BenchmarkPutCustomer saves one among 50,000, durably.
func BenchmarkPutCustomer(b *testing.B) {
	s := newTill(b)
	s.must(s.PutCustomers(saletest.Now, manyCustomers(50_000)...))
	if _, err := s.FindCustomers("", 1); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		c := saletest.Buyer()
		c.RUT, c.RznSoc = dte.RUT(1000+i%1000), fmt.Sprintf("Sociedad Cambiante %d Limitada", i)
		s.must(s.PutCustomers(saletest.Now, c))
	}
}

// manyCustomers have names made of few words, as companies do.
func manyCustomers(n int) []sale.Customer {
	kinds := []string{"Sociedad", "Comercial", "Constructora", "Transportes", "Agrícola", "Servicios", "Inmobiliaria", "Ferretería", "Importadora", "Distribuidora"}
	trades := []string{"Áridos", "Maderas", "del Sur", "del Maipo", "San Pedro", "Los Aromos", "Santa Ana", "El Roble", "Las Peñas", "y Compañía", "Pacífico", "Andes"}
	ends := []string{"Limitada", "SpA", "S.A.", "EIRL", "y Hermanos"}
	giros := []string{"Venta de abarrotes", "Construcción", "Transporte de carga", "Servicios", "Comercio al por menor"}
	list := make([]sale.Customer, n)
	for i := range list {
		list[i] = sale.Customer{
			RUT:       dte.RUT(7_000_000 + i*1733),
			RznSoc:    fmt.Sprintf("%s %s %s %s %d", kinds[i%len(kinds)], trades[i/7%len(trades)], trades[i/3%len(trades)], ends[i%len(ends)], i),
			Giro:      giros[i%len(giros)],
			Direccion: fmt.Sprintf("Calle %d", i), Comuna: "Maipú", Telefono: fmt.Sprintf("+56 9 %04d %04d", 5000+i/10000, i%10000),
		}
	}
	return list
}
