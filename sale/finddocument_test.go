package sale_test

import (
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

// What people remember of one factura finds it; what is not of it does not.
func TestADocumentIsFoundByWhatIsRemembered(t *testing.T) {
	today := dte.Date{Year: 2026, Month: time.March, Day: 17}
	r := sale.Record{
		At: time.Date(2026, 3, 16, 23, 59, 0, 0, dte.Santiago), Key: dte.Key{Emisor: 76543210, Tipo: dte.Factura, Folio: 12204}, Total: 12990,
		Receptor: dte.Receptor{RUT: 12345678, RznSoc: "Señora Inés Ñúñez y Compañía"},
		Lines: []sale.Line{
			{Codigo: "7801234567894", Nombre: "Café instantáneo 170 g"}, {Codigo: "036000291452", Nombre: "Té"}, {Codigo: "A-7", Nombre: "Pan"},
		},
	}
	for text, want := range map[string]bool{
		"": true, "   ": true,
		"12204": true, "12.204": true, "122": true, "2204": false, "122044": false,
		"$12.990": true, "12990": true, "12.990": true, "$12990": true, "$12204": false, "$1299": false, "12991": false,
		"12.345.678-5": true, "12345678-5": true, "123456785": true, "12345678": true, "12.345.678-6": false, "12345679": false,
		"ines": true, "INÉS": true, "nunez": true, "ñuñ": true, "compania ines": true, "uñez": false, "ines perez": false,
		"cafe": true, "café 170": true, "instan": true, "stan": false, "7801234567894": true, "7801234567895": false,
		"0036000291452": true, "A-7": true,
		"16-03": true, "16/3": true, "16-03-2026": true, "16-03-26": true, "ayer": true, "AYER": true, "hoy": false, "anteayer": false, "17-03": false,
		"15-03-2026": false, "16-03-2025": false, "31-02": false, // no day, and nobody
		"ayer cafe 12990 ines": true, "ayer cafe 12990 pedro": false, "ayer hoy": false, "$": true,
	} {
		if got := sale.ReadDocumentSearch(text, today).Holds(r); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Nobody is found by the RUT that stands for nobody.
func TestTheAnonymousBuyerIsNobody(t *testing.T) {
	r := sale.Record{Key: dte.Key{Folio: 1}, Receptor: dte.Receptor{RUT: dte.RUTAnonimo}}
	if sale.ReadDocumentSearch(dte.RUTAnonimo.String(), dte.Date{Year: 2026, Month: 3, Day: 1}).Holds(r) {
		t.Error("found")
	}
}

// A day without a year is the last one that has been.
func TestADayWithoutItsYear(t *testing.T) {
	for text, want := range map[string]string{
		"17-03": "2026-03-17", "18-03": "2025-03-18", "31-12": "2025-12-31", "29-02": "2024-02-29", "anteayer": "2026-03-15",
	} {
		q := sale.ReadDocumentSearch(text, dte.Date{Year: 2026, Month: 3, Day: 17})
		if got := dte.DateOf(q.From).String(); got != want || q.To.Sub(q.From) < 23*time.Hour || q.To.Sub(q.From) > 25*time.Hour {
			t.Errorf("%s: %s to %s", text, q.From, q.To)
		}
	}
}
