package sale_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

func booked(tipo dte.TipoDTE, folio dte.Folio, days int, total money.Pesos, state dte.State) sale.BookEntry {
	at := noon.AddDate(0, 0, days)
	return sale.BookEntry{Key: key(tipo, folio), Day: dte.DateOf(at), At: at, Total: total, State: state}
}

// inMemory is a book; older are documents that are found by their key alone.
type inMemory struct {
	book   []sale.BookEntry
	older  []sale.BookEntry
	ranges []sale.Range
	fail   error
}

func (m inMemory) EachBooked(ctx context.Context, first, last dte.Date, fn func(sale.BookEntry) error) error {
	for _, e := range m.book {
		if e.Day.Before(first) || last.Before(e.Day) {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m inMemory) BookEntry(key dte.Key) (sale.BookEntry, bool, error) {
	for _, e := range m.older {
		if e.Key == key {
			return e, true, m.fail
		}
	}
	return sale.BookEntry{}, false, m.fail
}

func (m inMemory) Ranges() ([]sale.Range, error) { return m.ranges, nil }

// reconcile looks at two months around noon.
func reconcile(m inMemory, reg *sale.RCV) (sale.Balance, error) {
	return sale.Reconcile(context.Background(), m, key(39, 1).Emisor, dte.DateOf(noon.AddDate(0, -1, 0)), dte.DateOf(noon.AddDate(0, 1, 0)), reg)
}

func TestReconcileByDayAndType(t *testing.T) {
	annulled := booked(39, 2, 0, 200, dte.Accepted)
	annulled.AnnulledBy = key(61, 1)
	book := []sale.BookEntry{
		booked(39, 1, 0, 100, dte.Accepted), booked(33, 1, 0, 5000, dte.Issued), annulled, booked(39, 3, 0, 400, dte.Objected),
		booked(39, 4, 0, 800, dte.Rejected), booked(39, 5, 0, 1600, dte.Sent), booked(61, 1, 0, 200, dte.Unknown), booked(39, 6, 1, 3200, dte.Enveloped),
	}
	b, err := reconcile(inMemory{book: book}, nil)
	if err != nil || b.Compared {
		t.Fatal(b, err)
	}
	lines, totals := b.Lines, b.Totals
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
	if _, err := reconcile(inMemory{book: []sale.BookEntry{booked(39, 1, 0, money.MaxPesos, dte.Sent), booked(39, 2, 0, 1, dte.Sent)}}, nil); err == nil {
		t.Error("an overflow was summed")
	}
	want2 := []string{
		"Sin llegar al SII: 1 documento de factura por $5.000.", "Sin llegar al SII: 1 documento de boleta por $3.200.",
		"Rechazado por el SII: 1 documento de boleta por $800.", "Sin llegar al SII: 1 documento de nota de crédito por $200.",
	}
	if got := b.Trouble(); !reflect.DeepEqual(got, want2) {
		t.Errorf("%q", got)
	}
	if lines[0].Quiet() || lines[1].Quiet() || !(sale.DayLine{}).Quiet() {
		t.Error("a line is quiet when nothing of it is missing or refused")
	}
}

// The date on the document decides, not the moment of its issue.
func TestTheDayIsTheDocuments(t *testing.T) {
	e := booked(39, 1, 0, 1, dte.Sent)
	e.At = noon.AddDate(0, 0, 3) // dated back
	b, err := reconcile(inMemory{book: []sale.BookEntry{e}}, nil)
	if err != nil || b.Lines[0].Day != dte.DateOf(noon) {
		t.Errorf("%+v, %v", b, err)
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
		"Latin-1, commas, dots":  {"Folio,TIPO DOCUMENTO,Monto Total,Raz\xf3n\r\n12,33,\"$ 11.900\",Pe\xf1a\r\n3,Nota de Cr\xe9dito Electr\xf3nica,500\r\n\r\n", sale.RCV{Detail: detail}},
		"BOM and quotes":         {"\ufeff\"Tipo Doc\";\"Folio\";\"Monto total\"\n33;12;11900\n61;3;500\n", sale.RCV{Detail: detail}},
		"BOM, tabs, other order": {"\ufeffMonto Total\tOtra\tFolio\tTipo Documento\r\n11.900\tx\t12\t33\r\n\"500\"\ty\t3\t61\r\n", sale.RCV{Detail: detail}},
		"commas for thousands":   {"Tipo Doc,Folio,Monto Total\n33,12,\"11,900\"\n61,3,$\u00a0500.00\n", sale.RCV{Detail: detail[:1], Bad: []sale.RowError{{Line: 3, Reason: "monto «500.00» no es válido: los puntos de miles no están donde deben"}}}},
		"with a preamble":        {"Registro de Ventas\nPeriodo 2026-03\n\n\ufeffTipo Doc;Folio;Monto total\n33;12;11900\n61;3;500,00\n", sale.RCV{Detail: detail}},
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
	m := inMemory{book: book, older: []sale.BookEntry{booked(33, 9, -40, 900, dte.Accepted)}, ranges: []sale.Range{{Tipo: 33, Desde: 1, Hasta: 100}}}
	reg := sale.RCV{Bad: []sale.RowError{{Line: 4}}, MoreBad: 2, Detail: []sale.RCVRow{
		{33, 10, 1000},
		{33, 11, 1101},
		{33, 9, 900}, // ours, of another month
		{33, 20, 70},
		{33, 20, 70},  // a folio of this till; two rows with two taxes
		{33, 500, 80}, // another till's
	}}
	got, err := reconcile(m, &reg)
	want := []sale.Discrepancy{
		{Kind: sale.OnlyThere, Tipo: 33, Folio: 20, There: 70},
		{Kind: sale.OnlyHere, Tipo: 33, Folio: 12, Here: 1200, State: dte.Issued},
		{Kind: sale.OtherTotal, Tipo: 33, Folio: 11, Here: 1100, There: 1101, State: dte.Accepted},
	}
	if err != nil || !got.Compared || got.Others != 1 || got.MoreBad != 2 || len(got.Bad) != 1 || !reflect.DeepEqual(got.Differences, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for i, words := range []string{
		"Sólo en el SII: factura 20 por $70, con un folio de esta caja.", "Sólo aquí: factura 12 por $1.200 (emitido, por enviar).",
		"Monto distinto: factura 11, aquí $1.100 y en el SII $1.101.",
	} {
		if d := got.Differences[i]; d.String() != words || d.Advice() == "" {
			t.Errorf("%q: %q", d, d.Advice())
		}
	}
	m.older[0].Total = 901
	if got, _ = reconcile(m, &reg); len(got.Differences) != 4 || got.Differences[2].Folio != 9 || got.Differences[2].Kind != sale.OtherTotal {
		t.Errorf("of another month, with another amount: %+v", got.Differences)
	}
	m.older[0].Total = 900
	twice := sale.RCV{Detail: []sale.RCVRow{{33, 10, 1000}, {33, 10, 999}, {33, 11, 1100}, {33, 12, 1200}}}
	if got, _ = reconcile(m, &twice); len(got.Differences) != 1 || got.Differences[0].There != 999 {
		t.Errorf("one document with two amounts: %+v", got.Differences)
	}
	reg.Detail = append(reg.Detail, sale.RCVRow{Tipo: 39, Folio: 2, Total: 9})
	if got, _ = reconcile(m, &reg); len(got.Differences) != 4 || got.Differences[2].Tipo != 39 || got.Differences[2].Kind != sale.OnlyHere {
		t.Errorf("with boletas in the file: %+v", got.Differences)
	}
	m.fail = errors.New("damaged")
	if _, err := reconcile(m, &reg); !errors.Is(err, m.fail) {
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
		b, err := reconcile(inMemory{book: book}, &sale.RCV{Sums: c.sums})
		list := b.Differences
		if err != nil || len(list) != len(c.want) || len(list) > 0 && !reflect.DeepEqual(list, c.want) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	if _, err := reconcile(inMemory{book: book}, &sale.RCV{Sums: []sale.RCVSum{sum(today, 1, money.MaxPesos), sum(today, 1, money.MaxPesos)}}); err == nil {
		t.Error("an overflow was summed")
	}
}

// endless is a file of one piece, repeated.
type endless struct {
	piece string
	left  int
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.piece[e.at:])
	e.at = (e.at + n) % len(e.piece)
	e.left -= n
	return n, nil
}

// A hostile file is refused in words, in little memory.
func TestHostileRegisters(t *testing.T) {
	const head = "Tipo Doc;Folio;Monto total\n"
	for name, c := range map[string]struct {
		head, piece string
		bytes       int
		word        string // of the error; empty: it is read
		memory      uint64
	}{
		"empty lines":       {"", "\n", 80 << 20, "más de 500.000 líneas", 1 << 20},
		"long rows":         {head, "33;1;100;" + strings.Repeat("x", 500) + "\n", 80 << 20, "pasa de", 600 << 20},
		"one line":          {head, "33;1;100;", 80 << 20, "la línea 2 tiene más", 1 << 20},
		"rows without end":  {head, "33;1;100\n", 80 << 20, "más de 500.000 líneas", 300 << 20},
		"spoilt rows":       {head, "nada\n", 2 << 20, "", 200 << 20},
		"binary":            {head, "\x00\x01\n", 1 << 20, "no es texto", 1 << 20},
		"no heading at all": {"", "33;1;100\n", 80 << 20, "no parece un registro", 1 << 20},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		reg, err := sale.ReadRCV(io.MultiReader(strings.NewReader(c.head), &endless{piece: c.piece, left: c.bytes}))
		runtime.ReadMemStats(&after)
		if c.word == "" && err != nil || c.word != "" && (err == nil || !strings.Contains(err.Error(), c.word)) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !reflect.DeepEqual(reg, sale.RCV{}) || len(reg.Bad) > 1000 {
			t.Errorf("%s: %d rows, %d bad", name, len(reg.Detail), len(reg.Bad))
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > c.memory {
			t.Errorf("%s took %d MB", name, took>>20)
		}
	}
	reg, err := sale.ReadRCV(io.MultiReader(strings.NewReader(head), &endless{piece: "nada\n", left: 10_000}))
	if err != nil || len(reg.Bad) != 1000 || reg.MoreBad != 1000 {
		t.Errorf("%d bad rows and %d more, %v", len(reg.Bad), reg.MoreBad, err)
	}
}

func FuzzReadRCV(f *testing.F) {
	f.Add([]byte("Tipo Doc;Folio;Monto total\n33;1;100\n"))
	f.Add([]byte("\ufeffMonto Total,x,Folio,Tipo Doc\r\n\"11,900\",,12,33\r\n"))
	f.Add([]byte("\xd1and\xfa\r\n\"Tipo Doc\"\tFolio\tTotal\n61\t3\t-$ 500,00\n"))
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
		if len(reg.Bad) > 1000 || len(reg.Detail)+len(reg.Sums) > strings.Count(string(b), "\n")+1 {
			t.Errorf("%d bad, %d good of %d bytes", len(reg.Bad), len(reg.Detail)+len(reg.Sums), len(b))
		}
		for _, s := range reg.Sums {
			if s.N < 0 || s.Tipo < 1 || s.Total < 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}
