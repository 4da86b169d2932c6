package sale

import (
	"fmt"

	"mostrador/dte"
	"mostrador/money"
)

// Working is an operation of the till, and whether it works now.
type Working struct {
	What string
	OK   bool
	// Detail is on what it leans, or what keeps it from working and what to do, in Spanish.
	Detail string
}

// offered are the documents that a counter makes, in its own words.
var offered = []struct {
	tipo dte.TipoDTE
	what string
}{
	{dte.Boleta, "Vender con boleta"},
	{dte.BoletaExenta, "Vender con boleta exenta"},
	{dte.Factura, "Vender con factura"},
	{dte.FacturaExenta, "Vender con factura exenta"},
	{dte.GuiaDespacho, "Guía de despacho"},
	{dte.NotaCredito, "Devoluciones, con nota de crédito"},
}

// Works tells what the till itself can do now. None of it needs a network.
func (r *Register) Works() []Working {
	now := r.d.Now()
	stops := r.d.Signer.ValidAt(now)
	if stops == nil {
		stops = r.d.Journal.Ready(now)
	}
	var pace map[dte.TipoDTE][]int
	if r.d.Pace != nil {
		pace = r.d.Pace()
	}
	server := r.d.server()
	var list []Working
	for _, o := range offered {
		w := Working{What: o.what}
		n, err := r.d.Journal.FoliosLeft(o.tipo, dte.DateOf(now))
		switch {
		case stops != nil:
			w.Detail = stops.Error()
		case err != nil:
			w.Detail = err.Error()
		case n == 0:
			w.Detail = "no quedan folios: " + server.refill(o.tipo).brief
		default:
			w.OK, w.Detail = true, fmt.Sprintf("quedan %s folios%s; no necesita internet", money.Pesos(n), lasting(n, pace[o.tipo]))
		}
		list = append(list, w)
	}
	if shift, err := r.d.Journal.CurrentShift(); err != nil {
		list = append(list, Working{What: "Abrir y cerrar el turno", Detail: err.Error()})
	} else if shift.Open() {
		list = append(list, Working{"Abrir y cerrar el turno", true, fmt.Sprintf("el turno %d está abierto", shift.Number)})
	} else {
		list = append(list, Working{"Abrir y cerrar el turno", true, "no hay turno abierto"})
	}
	return list
}

// lasting is how long folios last at the pace of this till; beyond a year nobody plans.
func lasting(n int, pace []int) string {
	days, known := StockDays(n, pace)
	switch {
	case !known || days > 365:
		return ""
	case days == 0:
		return ", menos de un día"
	}
	return ", para " + plural(days, "día", "días")
}
