package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

// authorityOf is the practice shop's own authority.
func authorityOf(t *testing.T, c *till) *dte.Authority {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(c.dir, "simulador", "llave.pem"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := dte.OpenAuthority(dte.IDKSimulador, pem, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shopCAF makes genuine files for the shop, from a first folio.
func shopCAF(t *testing.T, c *till) func(tipo dte.TipoDTE, desde dte.Folio) []byte {
	return func(tipo dte.TipoDTE, desde dte.Folio) []byte {
		t.Helper()
		f, err := authorityOf(t, c).IssueCAF(76543210, "X", tipo, desde, desde+9, dte.DateOf(time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// realFor is a genuine file for any company, type and day.
func realFor(t *testing.T, c *till, emisor dte.RUT, tipo dte.TipoDTE, fa dte.Date) []byte {
	t.Helper()
	f, err := authorityOf(t, c).IssueCAF(emisor, "X", tipo, 9001, 9010, fa)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// overlapping repeats folios that the practice shop has.
func overlapping(t *testing.T, c *till) []byte { return shopCAF(t, c)(dte.Boleta, 1995) }

// outOfFolios is an order of a type whose folios are used up.
func outOfFolios(c *till) string {
	for n := range 50 {
		c.must("N°", "issue", "-f", c.json("v.json", order(dte.FacturaExenta, "exenta-"+string(rune('a'+n)))))
	}
	return c.json("v.json", order(dte.FacturaExenta, "una-mas"))
}

func withPayment(o sale.Order) sale.Order {
	o.Payment = sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 10, Received: 10}}}
	return o
}
