package sale_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

var noon = time.Date(2026, 3, 16, 12, 0, 0, 0, dte.Santiago)

func key(tipo dte.TipoDTE, folio dte.Folio) dte.Key {
	return dte.Key{Emisor: 76543210, Tipo: tipo, Folio: folio}
}

// one is the only alarm of the facts.
func one(t *testing.T, f sale.Facts) sale.Alarm {
	t.Helper()
	f.Now = noon
	alarms := sale.Alarms(f)
	if len(alarms) != 1 {
		t.Fatalf("%d alarms, want 1: %+v", len(alarms), alarms)
	}
	return alarms[0]
}

func tells(t *testing.T, a sale.Alarm, kind sale.AlarmKind, severity sale.Severity, parts ...string) {
	t.Helper()
	if a.Kind != kind || a.Severity != severity {
		t.Errorf("%s %s, want %s %s: %s", a.Kind, a.Severity, kind, severity, a.Text)
	}
	if a.ID == "" || a.Title == "" || a.Action == "" || !strings.HasPrefix(a.ID, string(kind)) {
		t.Errorf("incomplete: %+v", a)
	}
	for _, part := range parts {
		if !strings.Contains(a.Text, part) {
			t.Errorf("%q is not said in: %s", part, a.Text)
		}
	}
}

func TestNothingToTell(t *testing.T) {
	day := dte.DateOf(noon)
	f := sale.Facts{
		Now:         noon,
		Waiting:     []sale.Waiting{{Tipo: dte.Boleta, Count: 40, Oldest: noon.Add(-59 * time.Minute), Key: key(39, 1)}},
		Ranges:      []sale.Range{{Tipo: dte.Factura, Desde: 1, Hasta: 100, Next: 5, FA: day, Vence: day.AddMonths(2)}},
		Pace:        map[dte.TipoDTE][]int{dte.Factura: {1, 1, 1}},
		Certificate: noon.AddDate(0, 0, 31),
		Skew:        -time.Minute,
		Papers:      3, // being printed
	}
	if alarms := sale.Alarms(f); len(alarms) != 0 {
		t.Errorf("alarms on a good day: %+v", alarms)
	}
}

func TestLateDocuments(t *testing.T) {
	waiting := func(tipo dte.TipoDTE, age time.Duration) sale.Waiting {
		return sale.Waiting{Tipo: tipo, Count: 2, Oldest: noon.Add(-age), Key: key(tipo, 1204)}
	}
	tells(t, one(t, sale.Facts{Waiting: []sale.Waiting{waiting(dte.Boleta, time.Hour)}}), sale.AlarmLate, sale.Aviso,
		"2 documentos siguen", "la boleta 1.204", "hace 1 h", "válidos")
	tells(t, one(t, sale.Facts{Down: true, Waiting: []sale.Waiting{waiting(dte.Boleta, 13*time.Hour)}}), sale.AlarmLate, sale.Urgent, "router")
	tells(t, one(t, sale.Facts{Waiting: []sale.Waiting{waiting(dte.Factura, 12*time.Hour)}}), sale.AlarmLate, sale.Urgent, "mercadería")

	both := sale.Alarms(sale.Facts{Now: noon, Waiting: []sale.Waiting{
		waiting(dte.Boleta, 3*time.Hour), waiting(dte.BoletaExenta, 5*time.Hour), waiting(dte.NotaCredito, 2*time.Hour),
	}})
	if len(both) != 2 || both[0].ID != "atraso:facturas" || both[1].Key.Tipo != dte.BoletaExenta {
		t.Errorf("facturas do not come first, or the oldest boleta is not told: %+v", both)
	}
}

func TestVerdictsAreTasks(t *testing.T) {
	task := sale.Task{Key: key(39, 1198), Total: 4990, Veredicto: dte.Veredicto{State: dte.Rejected, Codigo: "ENV-3-0", Glosa: "Caracter invalido"}, Printed: 1}
	a := one(t, sale.Facts{Rejected: []sale.Task{task}})
	tells(t, a, sale.AlarmRejected, sale.Urgent, "la boleta 1.198", "$4.990", "una letra", "ENV-3-0", "Corrija el dato", "El papel ya salió")
	if !a.Task || a.Way != sale.WayReuse || a.ID != "rechazo:76543210-3/T39F1198" {
		t.Errorf("%+v", a)
	}
	if left := sale.Alarms(sale.Facts{Now: noon, Rejected: []sale.Task{task}, Attended: map[string]bool{a.ID: true}}); len(left) != 0 {
		t.Error("an attended task is still told")
	}
	task.Veredicto = dte.Veredicto{State: dte.Objected, Codigo: "DTE-1-650"}
	tells(t, one(t, sale.Facts{Objected: []sale.Task{task}}), sale.AlarmObjected, sale.Info, "válido", "días después")
}

func TestStockInDays(t *testing.T) {
	cases := []struct {
		name   string
		left   int
		counts []int
		days   int
		known  bool
	}{
		{"never sold", 10, []int{0, 0, 0}, 0, false},
		{"nothing known", 10, nil, 0, false},
		{"the first day", 10, []int{0, 0, 5}, 2, true},
		{"today is not over", 100, []int{10, 10, 1}, 10, true},
		{"closed days count", 100, []int{10, 0, 0, 0, 0}, 40, true},
		{"before the first sale nothing counts", 100, []int{0, 0, 0, 10, 10, 0}, 10, true},
		{"the last week is faster", 70, []int{1, 1, 1, 1, 1, 1, 1, 10, 10, 10, 10, 10, 10, 10, 3}, 7, true},
		{"the month is faster", 70, []int{99, 99, 99, 99, 99, 99, 99, 0, 0, 0, 0, 0, 0, 0, 0}, 1, true},
		{"none left", 0, []int{10, 10, 1}, 0, true},
	}
	for _, c := range cases {
		if days, known := sale.StockDays(c.left, c.counts); days != c.days || known != c.known {
			t.Errorf("%s: %d days (known %v), want %d (%v)", c.name, days, known, c.days, c.known)
		}
	}
}

func TestFewFolios(t *testing.T) {
	day := dte.DateOf(noon)
	facts := func(left dte.Folio) sale.Facts {
		return sale.Facts{
			Ranges: []sale.Range{{Tipo: dte.Boleta, Desde: 1, Hasta: 1000, Next: 1001 - left, FA: day}},
			Pace:   map[dte.TipoDTE][]int{dte.Boleta: {10, 10, 10, 2}},
		}
	}
	tells(t, one(t, facts(70)), sale.AlarmFolios, sale.Aviso, "70 folios de boleta", "7 días")
	tells(t, one(t, facts(29)), sale.AlarmFolios, sale.Urgent, "2 días")
	tells(t, one(t, facts(9)), sale.AlarmFolios, sale.Urgent, "no alcanzan para hoy")
	tells(t, one(t, facts(0)), sale.AlarmFolios, sale.Urgent, "No quedan folios de boleta", "a salvo")
	if f := facts(80); len(sale.Alarms(sale.Facts{Now: noon, Ranges: f.Ranges, Pace: f.Pace})) != 0 {
		t.Error("eight days are few")
	}
}

func TestExpiry(t *testing.T) {
	day := dte.DateOf(noon)
	add := func(days int) dte.Date { return dte.DateOf(noon.AddDate(0, 0, days)) }
	caf := func(days int) sale.Facts {
		return sale.Facts{Ranges: []sale.Range{{Tipo: dte.Factura, Desde: 1, Hasta: 100, Next: 41, FA: day, Vence: add(days)}}}
	}
	cert := func(days int) sale.Facts { return sale.Facts{Certificate: noon.AddDate(0, 0, days)} }
	for days, want := range map[int]sale.Severity{30: sale.Info, 11: sale.Info, 10: sale.Aviso, 4: sale.Aviso, 3: sale.Urgent, 0: sale.Urgent} {
		tells(t, one(t, caf(days)), sale.AlarmCAF, want, "41 a 100 de factura")
		if days > 0 {
			tells(t, one(t, cert(days)), sale.AlarmCertificate, want, "certificado")
		}
	}
	for _, f := range []sale.Facts{caf(31), cert(31)} {
		f.Now = noon
		if len(sale.Alarms(f)) != 0 {
			t.Error("31 days are soon")
		}
	}
	tells(t, one(t, cert(-1)), sale.AlarmCertificate, sale.Urgent, "venció el 15-03-2026", "sigue siendo válido")
	gone := one(t, caf(-1))
	tells(t, gone, sale.AlarmCAF, sale.Aviso, "vencieron", "Anúlelos")
	f := caf(-1)
	f.Now, f.Attended = noon, map[string]bool{gone.ID: true}
	if !gone.Task || len(sale.Alarms(f)) != 0 {
		t.Error("annulled folios are still told")
	}
	f = caf(2)
	f.Now, f.Attended = noon, map[string]bool{one(t, caf(2)).ID: true}
	if len(sale.Alarms(f)) != 1 {
		t.Error("a term that comes cannot be attended away")
	}
}

func TestClockPaperAndOutage(t *testing.T) {
	tells(t, one(t, sale.Facts{Skew: 2 * time.Minute}), sale.AlarmClock, sale.Aviso, "atrasado 2 min")
	tells(t, one(t, sale.Facts{Skew: -3 * time.Hour}), sale.AlarmClock, sale.Urgent, "adelantado 3 h")
	tells(t, one(t, sale.Facts{Papers: 2, PaperProblem: "sin papel"}), sale.AlarmPaper, sale.Aviso, "2 tickets: sin papel. Las ventas")
	tells(t, one(t, sale.Facts{Outage: sale.Outage{Number: 3, Cause: sale.CauseLine, From: noon.Add(-time.Hour)}}), sale.AlarmOutage, sale.Info,
		"16-03-2026 11:00", "sin internet", "Siga vendiendo")
}

func TestTheWorstComesFirst(t *testing.T) {
	alarms := sale.Alarms(sale.Facts{
		Now: noon, Skew: time.Hour, Certificate: noon.AddDate(0, 0, 20),
		Objected: []sale.Task{{Key: key(39, 1)}}, Rejected: []sale.Task{{Key: key(39, 2)}, {Key: key(39, 3)}},
		Papers: 1, PaperProblem: "apagada",
	})
	var kinds []sale.AlarmKind
	for _, a := range alarms {
		kinds = append(kinds, a.Kind)
	}
	want := []sale.AlarmKind{sale.AlarmRejected, sale.AlarmRejected, sale.AlarmClock, sale.AlarmPaper, sale.AlarmCertificate, sale.AlarmObjected}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
}

// Every code of the collection has words and a way out of its own.
func TestAdviceForEveryKnownCode(t *testing.T) {
	f, err := os.Open("../../shared/sii/tablas/errores_sii.csv")
	if err != nil {
		t.Skip("the collection of the SII's codes is not here:", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	fallback := sale.Advise(dte.Veredicto{State: dte.Rejected})
	for _, row := range rows[1:] {
		for code := range strings.SplitSeq(row[0], " / ") {
			if code == "SRH" || code == "SOK" { // of whole certification sets, never of a document
				continue
			}
			a := sale.Advise(dte.Veredicto{State: dte.Rejected, Codigo: strings.Replace(code, "xxx", "207", 1)})
			if strings.HasPrefix(a.Means, strings.TrimSuffix(fallback.Means, ".")) || a.Do == "" {
				t.Errorf("%s: no words of its own: %+v", code, a)
			}
			if row[1] == "rechazo" && a.Way == sale.WayRead {
				t.Errorf("%s is a refusal and nothing is advised", code)
			}
		}
	}
	if len(rows) < 30 {
		t.Errorf("only %d codes were read", len(rows))
	}
}

func TestAdviceForAnUnknownCode(t *testing.T) {
	a := sale.Advise(dte.Veredicto{State: dte.Rejected, Codigo: "XYZ-9-1", Glosa: "Algo nuevo"})
	if a.Way != sale.WayAccountant || !strings.Contains(a.Means, "XYZ-9-1 Algo nuevo") {
		t.Errorf("%+v", a)
	}
	if a := sale.Advise(dte.Veredicto{State: dte.Objected, Codigo: "XYZ-9-1"}); a.Way != sale.WayCreditNote {
		t.Errorf("an objection leaves only a note: %+v", a)
	}
}

// A letter that was stopped for good is told with the address, the document and the reason, until somebody attends it.
func TestALetterThatWasStopped(t *testing.T) {
	m := sale.Mail{ID: 7, Key: key(dte.Factura, 12), To: "ana@x.cl", State: sale.MailStopped, Problem: "el servidor no lo acepta: «550 no»."}
	a := one(t, sale.Facts{Stopped: []sale.Mail{m}})
	tells(t, a, sale.AlarmMail, sale.Aviso, "ana@x.cl", "factura 12", "«550 no». El documento es válido", "Documentos")
	if !a.Task || a.Key != m.Key || a.ID != sale.MailTask(7) {
		t.Errorf("%+v", a)
	}
}
