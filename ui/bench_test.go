package ui

import (
	"fmt"
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
)

// BenchmarkScan is one scan, thirteen characters and Enter, up to the line in the widgets (not drawn), in a cart that
// grows to 200 lines. The budget from Enter to the drawn line is 50 ms.
func BenchmarkScan(b *testing.B) {
	var many []sale.Product
	for i := range 200 {
		many = append(many, sale.Product{Codigo: ean13(int64(780_000_000_000 + i*7919)), Nombre: fmt.Sprintf("Producto %d", i), Prc: money.PerUnit(100), Favorito: i < 40})
	}
	x := newWorldWith(b, false, Look{}, many)
	x.w.Fyne().Resize(fyne.NewSize(1280, 800))
	n := 0
	for b.Loop() {
		x.burst(many[n%len(many)].Codigo)
		x.press(fyne.KeyReturn)
		if n++; n%len(many) == 0 {
			if err := x.till.Void("cambió de idea"); err != nil {
				b.Fatal(err)
			}
		}
	}
}
