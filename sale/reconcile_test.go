package sale_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

func booked(tipo dte.TipoDTE, folio dte.Folio, days int, total money.Pesos, state dte.State) sale.BookEntry {
	return sale.BookEntry{Key: key(tipo, folio), At: noon.AddDate(0, 0, days), Total: total, State: state}
}

func TestReconcileByDayAndType(t *testing.T) {
	annulled := booked(39, 2, 0, 200, dte.Accepted)
	annulled.AnnulledBy = key(61, 1)
	book := []sale.BookEntry{
		booked(39, 1, 0, 100, dte.Accepted), booked(33, 1, 0, 5000, dte.Issued), annulled, booked(39, 3, 0, 400, dte.Objected),
		booked(39, 4, 0, 800, dte.Rejected), booked(39, 5, 0, 1600, dte.Sent), booked(61, 1, 0, 200, dte.Unknown), booked(39, 6, 1, 3200, dte.Enveloped),
	}
	lines, totals, err := sale.Reconcile(book)
	if err != nil {
		t.Fatal(err)
	}
	today, tomorrow := dte.DateOf(noon), dte.DateOf(noon.AddDate(0, 0, 1))
	want := []sale.DayLine{
		{Day: today, Tipo: 33, Issued: sale.Tally{N: 1, Total: 5000}, Missing: sale.Tally{N: 1, Total: 5000}},
		{
			Day: today, Tipo: 39, Issued: sale.Tally{N: 5, Total: 3100}, Sent: sale.Tally{N: 5, Total: 3100}, Accepted: sale.Tally{N: 2, Total: 300},
			Objected: sale.Tally{N: 1, Total: 400}, Rejected: sale.Tally{N: 1, Total: 800}, Annulled: sale.Tally{N: 1, Total: 200},
		},
		{Day: today, Tipo: 61, Issued: sale.Tally{N: 1, Total: 200}, Missing: sale.Tally{N: 1, Total: 200}},
		{Day: tomorrow, Tipo: 39, Issued: sale.Tally{N: 1, Total: 3200}, Missing: sale.Tally{N: 1, Total: 3200}},
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("lines\n%+v\nwant\n%+v", lines, want)
	}
	if len(totals) != 3 || totals[1].Issued != (sale.Tally{N: 6, Total: 6300}) || totals[1].Missing.N != 1 || !totals[1].Day.IsZero() {
		t.Errorf("totals %+v", totals)
	}
	if _, _, err := sale.Reconcile([]sale.BookEntry{booked(39, 1, 0, money.MaxPesos, dte.Sent), booked(39, 2, 0, 1, dte.Sent)}); err == nil {
		t.Error("an overflow was summed")
	}
}

// Around midnight the day is Santiago's.
func TestTheDayIsSantiagos(t *testing.T) {
	e := booked(39, 1, 0, 1, dte.Sent)
	e.At = time.Date(2026, 3, 17, 2, 30, 0, 0, time.UTC) // 23:30 of the 16th
	lines, _, err := sale.Reconcile([]sale.BookEntry{e})
	if err != nil || lines[0].Day != dte.DateOf(noon) {
		t.Errorf("%+v, %v", lines, err)
	}
}

func TestReadRegisters(t *testing.T) {
	detail := []sale.RCVRow{{33, 12, 11900}, {61, 3, 500}}
	for name, c := range map[string]struct {
		text string
		want sale.RCV
	}{
		"as downloaded": {"Nro;Tipo Doc;Tipo Venta;Rut cliente;Razon Social;Folio;Fecha Docto;Monto Exento;Monto Neto;Monto IVA;Monto total;IVA Retenido Total\n" +
			"1;33;Del Giro;76543210-3;ACME \"EL SOL\" LTDA;12;16/03/2026;0;10000;1900;11900;0;\n2;61;Del Giro;1-9;Ana;3;16/03/2026;0;420;80;-500;0;\n", sale.RCV{Detail: detail}},
		"Latin-1, commas, dots": {"Folio,TIPO DOCUMENTO,Monto Total,Raz\xf3n\r\n12,33,\"$ 11.900\",Pe\xf1a\r\n3,Nota de Cr\xe9dito Electr\xf3nica,500\r\n\r\n", sale.RCV{Detail: detail}},
		"with a preamble":       {"Registro de Ventas\nPeriodo 2026-03\n\n\ufeffTipo Doc;Folio;Monto total\n33;12;11900\n61;3;500,00\n", sale.RCV{Detail: detail}},
		"sums": {
			"Tipo Documento;Total Documentos;Monto Total\nBoleta Electrónica (39);1.204;3.500.000\n39;0;0\nTotales;1204;3500000\n",
			sale.RCV{Sums: []sale.RCVSum{{Tipo: 39, Tally: sale.Tally{N: 1204, Total: 3_500_000}}, {Tipo: 39}}},
		},
		"sums by day": {"Fecha;Tipo;Cantidad;Total\n16/03/2026;39;5;1000\n2026-03-17 00:00;41;1;50\n", sale.RCV{Sums: []sale.RCVSum{
			{Tipo: 39, Day: dte.Date{Year: 2026, Month: 3, Day: 16}, Tally: sale.Tally{N: 5, Total: 1000}},
			{Tipo: 41, Day: dte.Date{Year: 2026, Month: 3, Day: 17}, Tally: sale.Tally{N: 1, Total: 50}},
		}}},
	} {
		reg, err := sale.ReadRCV(strings.NewReader(c.text))
		if err != nil || !reflect.DeepEqual(reg, c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", name, reg, err, c.want)
		}
	}
}

func TestBadRegisters(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a picture": "\x00\x01\x02", "products": "codigo;nombre;precio\n1;Pan;100\n", "no total": "Tipo Doc;Folio\n33;1\n",
		"purchases without heading": "1;33;12;11900\n",
	} {
		if reg, err := sale.ReadRCV(strings.NewReader(text)); err == nil {
			t.Errorf("%s was read as %+v", name, reg)
		}
	}
	reg, err := sale.ReadRCV(strings.NewReader("Tipo Doc;Folio;Monto total\n33;1;100\nxx;2;100\n33;0;100\n33;3;mil\n\"33;4;5\n39;5;7\n"))
	if err != nil || len(reg.Detail) != 2 || len(reg.Bad) != 4 || reg.Bad[0].Line != 3 || reg.Bad[3].Line != 6 {
		t.Errorf("%+v, %v", reg, err)
	}
}

func TestCompareDetail(t *testing.T) {
	book := []sale.BookEntry{
		booked(33, 10, 0, 1000, dte.Accepted), booked(33, 11, 0, 1100, dte.Accepted), booked(33, 12, 0, 1200, dte.Issued), booked(39, 1, 0, 50, dte.Accepted),
	}
	older := booked(33, 9, -40, 900, dte.Accepted)
	reg := sale.RCV{Detail: []sale.RCVRow{
		{33, 10, 1000},
		{33, 11, 1101},
		{33, 9, 900}, // ours, of another month
		{33, 20, 70},
		{33, 20, 70},  // a folio of this till; two rows with two taxes
		{33, 500, 80}, // another till's
	}}
	find := func(tipo dte.TipoDTE, folio dte.Folio) (sale.BookEntry, bool, error) {
		return older, tipo == 33 && folio == 9, nil
	}
	ranges := []sale.Range{{Tipo: 33, Desde: 1, Hasta: 100}}
	list, others, err := sale.Compare(book, reg, ranges, find)
	want := []sale.Discrepancy{
		{Kind: sale.OtherTotal, Tipo: 33, Folio: 11, Here: 1100, There: 1101, State: dte.Accepted},
		{Kind: sale.OnlyThere, Tipo: 33, Folio: 20, There: 70},
		{Kind: sale.OnlyHere, Tipo: 33, Folio: 12, Here: 1200, State: dte.Issued},
	}
	if err != nil || others != 1 || !reflect.DeepEqual(list, want) {
		t.Errorf("%+v, %d others, %v", list, others, err)
	}
	reg.Detail = append(reg.Detail, sale.RCVRow{Tipo: 39, Folio: 2, Total: 9})
	if list, _, _ = sale.Compare(book, reg, ranges, find); len(list) != 4 || list[3].Tipo != 39 || list[3].Kind != sale.OnlyHere {
		t.Errorf("with boletas in the file: %+v", list)
	}
	broken := errors.New("damaged")
	if _, _, err := sale.Compare(book, reg, nil, func(dte.TipoDTE, dte.Folio) (sale.BookEntry, bool, error) { return older, false, broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestCompareSums(t *testing.T) {
	book := []sale.BookEntry{
		booked(39, 1, 0, 100, dte.Accepted), booked(39, 2, 0, 200, dte.Objected), booked(39, 3, 0, 999, dte.Rejected), booked(39, 4, 0, 999, dte.Issued),
		booked(39, 5, 1, 400, dte.Sent), booked(33, 1, 0, 5000, dte.Accepted),
	}
	today, tomorrow := dte.DateOf(noon), dte.DateOf(noon.AddDate(0, 0, 1))
	sum := func(day dte.Date, n int, total money.Pesos) sale.RCVSum {
		return sale.RCVSum{Tipo: 39, Day: day, Tally: sale.Tally{N: n, Total: total}}
	}
	for name, c := range map[string]struct {
		sums []sale.RCVSum
		want []sale.Discrepancy
	}{
		"agree":         {[]sale.RCVSum{sum(dte.Date{}, 3, 700)}, nil},
		"agree by day":  {[]sale.RCVSum{sum(today, 2, 300), sum(tomorrow, 1, 400)}, nil},
		"two rows":      {[]sale.RCVSum{sum(dte.Date{}, 2, 300), sum(dte.Date{}, 1, 400)}, nil},
		"count":         {[]sale.RCVSum{sum(dte.Date{}, 4, 700)}, []sale.Discrepancy{{Kind: sale.OtherSum, Tipo: 39, Here: 700, There: 700, NHere: 3, NThere: 4}}},
		"a day missing": {[]sale.RCVSum{sum(today, 2, 300)}, []sale.Discrepancy{{Kind: sale.OtherSum, Tipo: 39, Day: tomorrow, Here: 400, NHere: 1}}},
	} {
		list, _, err := sale.Compare(book, sale.RCV{Sums: c.sums}, nil, nil)
		if err != nil || len(list) != len(c.want) || len(list) > 0 && !reflect.DeepEqual(list, c.want) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	if _, _, err := sale.Compare(book, sale.RCV{Sums: []sale.RCVSum{sum(today, 1, money.MaxPesos), sum(today, 1, money.MaxPesos)}}, nil, nil); err == nil {
		t.Error("an overflow was summed")
	}
}

func FuzzReadRCV(f *testing.F) {
	f.Add([]byte("Tipo Doc;Folio;Monto total\n33;1;100\n"))
	f.Add([]byte("Fecha;Tipo;Cantidad;Total\n16/03/2026;39;5;1000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		reg, err := sale.ReadRCV(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		for _, row := range reg.Detail {
			if row.Folio < 1 || row.Tipo < 1 || row.Total < 0 {
				t.Errorf("%+v", row)
			}
		}
		for _, s := range reg.Sums {
			if s.N < 0 || s.Tipo < 1 || s.Total < 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}
