package sale

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mostrador/dte"
	"mostrador/money"
)

// Severity says how soon a person should look.
type Severity string

// The severities, least first.
const (
	Info   Severity = "info"
	Aviso  Severity = "aviso"
	Urgent Severity = "urgente"
)

// AlarmKind says what an alarm is about. The values are stable: programs may match them.
type AlarmKind string

// The kinds, in the order in which alarms of one severity are listed.
const (
	AlarmRejected    AlarmKind = "rechazo"
	AlarmDoubt       AlarmKind = "contradiccion"
	AlarmLate        AlarmKind = "atraso"
	AlarmFolios      AlarmKind = "folios"
	AlarmCAF         AlarmKind = "vencimiento-caf"
	AlarmCertificate AlarmKind = "vencimiento-certificado"
	AlarmClock       AlarmKind = "reloj"
	AlarmPaper       AlarmKind = "papel"
	AlarmMail        AlarmKind = "correo"
	AlarmObjected    AlarmKind = "reparo"
	AlarmOutage      AlarmKind = "contingencia"
)

func alarmKinds() []AlarmKind {
	return []AlarmKind{
		AlarmRejected, AlarmDoubt, AlarmLate, AlarmFolios, AlarmCAF, AlarmCertificate, AlarmServer, AlarmClock, AlarmPaper, AlarmMail, AlarmObjected, AlarmOutage,
	}
}

// Alarm is something that a person should know or do, in words for the shop.
type Alarm struct {
	// ID is the same for the same matter as long as it lasts: "rechazo:76543210-3/T39F1204". Attending goes by it.
	ID       string    `json:"id"`
	Kind     AlarmKind `json:"kind"`
	Severity Severity  `json:"severity"`
	Title    string    `json:"title"` // a few words, for a list
	Text     string    `json:"text"`  // what happened, what is safe, what to do
	Action   string    `json:"action"`
	// Way is the suggested way out of a refused or objected document.
	Way Way `json:"way,omitempty"`
	// Acts are what the till itself can do about it, the likeliest first.
	Acts []Act `json:"acts,omitempty"`
	// Key is the document that it is about; zero if it is about none.
	Key dte.Key `json:"key,omitzero"`
	// Task: it stays until a person says that it was attended.
	Task bool `json:"task,omitempty"`
}

// Facts are all that Alarms looks at.
type Facts struct {
	Now     time.Time
	Down    bool      // the line is down
	Waiting []Waiting // what has not reached the SII
	// Rejected and Objected are the documents that nobody has attended yet.
	Rejected, Objected []Task
	// Doubted are those of which a file said otherwise than the authority, until somebody attends them.
	Doubted []Task
	Ranges  []Range
	// Pace has, for each type, how many were issued on each of the last days: the oldest first, today last.
	Pace map[dte.TipoDTE][]int
	// Attended are the IDs of alarms that a person has attended.
	Attended map[string]bool
	// Certificate is when the certificate that signs ends; zero is not known.
	Certificate time.Time
	// Skew is how far the SII's clock is ahead of ours; zero is in time, or not known.
	Skew time.Duration
	// Papers are the tickets that the printer owes; PaperProblem says why, when that is known.
	Papers       int
	PaperProblem string
	// Stopped are the letters that will not leave by themselves, each the last one of its document, until somebody sends
	// another one or attends them.
	Stopped []Mail
	// Outage is the contingency under way; the zero value is none.
	Outage Outage
	Server ServerFacts
	// Unbelieved are the server's news that the till did not take in, oldest first.
	Unbelieved []Unbelieved
}

// Waiting are the documents of one type that the SII does not have yet.
type Waiting struct {
	Tipo   dte.TipoDTE
	Count  int
	Oldest time.Time // when the oldest was issued
	Key    dte.Key   // of the oldest
}

// Task is a document with a verdict that somebody must read.
type Task struct {
	Key       dte.Key
	At        time.Time // of issue
	Total     money.Pesos
	Veredicto dte.Veredicto
	Otro      dte.Veredicto // what a file said, and the authority did not
	Printed   int           // papers that came out: someone may hold one
}

// Bounds of the alarms.
const (
	// A factura is to arrive before the goods leave, at the latest 12 hours after it was made (SII, Modelo de operación;
	// FAQ 001.003.1119). Boletas are due once the line is back (FAQ 001.380.7676). An hour is a reason to look.
	lateAviso, lateUrgent = time.Hour, 12 * time.Hour

	stockAviso, stockUrgent = 7, 2 // days

	expiryInfo, expiryAviso, expiryUrgent = 30, 10, 3 // days

	// Within a few minutes the day of a document is the SII's day, save around midnight.
	skewAviso, skewUrgent = 2 * time.Minute, 30 * time.Minute
)

// Alarms tells what deserves a person's look, most severe first. It is pure: the same facts give the same alarms.
func Alarms(f Facts) []Alarm {
	var all []Alarm
	for _, part := range []func(Facts) []Alarm{late, refused, objected, doubted, stock, authorisations, certificate, skewed, apart, served, unbelieved, papersOwed, undelivered, underWay} {
		all = append(all, part(f)...)
	}
	all = slices.DeleteFunc(all, func(a Alarm) bool { return a.Task && f.Attended[a.ID] })
	severities := []Severity{Urgent, Aviso, Info}
	slices.SortStableFunc(all, func(a, b Alarm) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
			cmp.Compare(slices.Index(alarmKinds(), a.Kind), slices.Index(alarmKinds(), b.Kind)),
		)
	})
	return all
}

// late: one alarm for what travels with goods, which cannot wait, and one for boletas.
func late(f Facts) (alarms []Alarm) {
	for _, boletas := range []bool{false, true} {
		var w Waiting
		for _, o := range f.Waiting {
			if o.Tipo.EsBoleta() != boletas || o.Count == 0 {
				continue
			}
			if w.Count == 0 || o.Oldest.Before(w.Oldest) {
				w.Oldest, w.Key = o.Oldest, o.Key
			}
			w.Count += o.Count
		}
		if age := f.Now.Sub(w.Oldest); w.Count > 0 && age >= lateAviso {
			alarms = append(alarms, lateAlarm(f, w, age, boletas))
		}
	}
	return alarms
}

func lateAlarm(f Facts, w Waiting, age time.Duration, boletas bool) Alarm {
	a := Alarm{Kind: AlarmLate, Severity: Aviso, Key: w.Key, Action: "Ver documentos"}
	a.ID, a.Title = string(a.Kind)+":boletas", "Boletas sin llegar al SII"
	if !boletas {
		a.ID, a.Title = string(a.Kind)+":facturas", "Facturas o guías sin llegar al SII"
	}
	if age >= lateUrgent {
		a.Severity = Urgent
	}
	a.Text = fmt.Sprintf("%s sin llegar al SII; la más antigua es %s, de hace %s. Están guardados y son válidos: se envían solos. ",
		plural(w.Count, "documento sigue", "documentos siguen"), the(w.Key), span(age))
	switch {
	case f.Down:
		a.Text += "No hay internet: revise el cable o el router, o llame a su proveedor."
	case a.Severity == Urgent:
		a.Text += "Hay internet, así que avise al encargado o al soporte."
	default:
		a.Text += "Si en una hora siguen ahí, avise al encargado."
	}
	if !boletas {
		a.Text += " La mercadería no debería salir antes de que lleguen."
	}
	return a
}

func refused(f Facts) (alarms []Alarm) {
	for _, t := range f.Rejected {
		advice := Advise(t.Veredicto)
		text := fmt.Sprintf("El SII rechazó %s por $%s: %s La venta y su pago siguen guardados. %s",
			the(t.Key), t.Total, advice.Means, advice.Do)
		text += unconfirmed(t.Veredicto)
		if t.Printed > 0 && advice.Way == WayReuse {
			text += " El papel ya salió: no debe quedar en manos del cliente."
		}
		alarms = append(alarms, taskAlarm(AlarmRejected, Urgent, "Rechazada: ", t, advice, text))
	}
	return alarms
}

func objected(f Facts) (alarms []Alarm) {
	for _, t := range f.Objected {
		advice := Advise(t.Veredicto)
		text := fmt.Sprintf("El SII aceptó %s con reparos: %s El documento es válido. %s", the(t.Key), advice.Means, advice.Do) + unconfirmed(t.Veredicto)
		alarms = append(alarms, taskAlarm(AlarmObjected, Info, "Con reparos: ", t, advice, text))
	}
	return alarms
}

// unconfirmed is a word of caution about a verdict that came from a file.
func unconfirmed(v dte.Veredicto) string {
	if v.Fuente != dte.FuenteArchivo {
		return ""
	}
	return " Lo dice un archivo que se cargó: antes de hacer algo, espere a que la caja lo confirme con el SII."
}

func taskAlarm(kind AlarmKind, severity Severity, title string, t Task, advice Advice, text string) Alarm {
	return Alarm{
		ID: TaskID(kind, t.Key), Kind: kind, Severity: severity, Title: title + called(t.Key), Text: text, Action: "Marcar como atendida",
		Way: advice.Way, Acts: ActsFor(t.Veredicto), Key: t.Key, Task: true,
	}
}

// TaskID is the ID of the alarm about a document.
func TaskID(kind AlarmKind, k dte.Key) string { return string(kind) + ":" + k.String() }

func stock(f Facts) (alarms []Alarm) {
	today := dte.DateOf(f.Now)
	for _, tipo := range dte.Tipos() {
		left := FoliosLeft(f.Ranges, tipo, today)
		days, known := StockDays(left, f.Pace[tipo])
		a := Alarm{
			ID: fmt.Sprintf("%s:%d", AlarmFolios, tipo), Kind: AlarmFolios, Severity: Aviso, Action: "Cómo pedir folios",
			Title: "Pocos folios de " + name(tipo),
		}
		switch {
		case !known || days > stockAviso:
			continue
		case left == 0:
			a.Severity, a.Title = Urgent, "Sin folios de "+name(tipo)
			a.Text = fmt.Sprintf("No quedan folios de %s. Lo emitido está a salvo, y lo demás se puede seguir vendiendo.", name(tipo))
		default:
			a.Text = fmt.Sprintf("Quedan %s de %s: al ritmo de esta caja alcanzan para %s.",
				plural(left, "folio", "folios"), name(tipo), plural(days, "día", "días"))
			if days == 0 {
				a.Text = fmt.Sprintf("Quedan %s de %s: al ritmo de esta caja no alcanzan para hoy.", plural(left, "folio", "folios"), name(tipo))
			}
		}
		if days <= stockUrgent {
			a.Severity = Urgent
		}
		if f.Server.Joined {
			a.Text += " " + f.Server.refill(tipo).whole + "."
		} else {
			a.Text += " Pida un CAF en sii.cl e impórtelo con «tillctl caf import»; hace falta internet."
		}
		alarms = append(alarms, a)
	}
	return alarms
}

// StockDays is how many days left folios last at the pace of counts: issued per day, the oldest first, today last. The
// pace is the average since the first sale among them, or that of the last week if it is faster; today, which is not
// over, counts only when there is nothing else. Without any sale the answer is not known.
func StockDays(left int, counts []int) (days int, known bool) {
	first := slices.IndexFunc(counts, func(n int) bool { return n > 0 })
	if first < 0 {
		return 0, false
	}
	counts = counts[first:]
	if len(counts) > 1 {
		counts = counts[:len(counts)-1]
	}
	best := -1
	for _, some := range [][]int{counts, counts[max(0, len(counts)-7):]} {
		sum := 0
		for _, n := range some {
			sum += n
		}
		if sum > 0 && (best < 0 || left*len(some)/sum < best) {
			best = left * len(some) / sum
		}
	}
	return best, true
}

// authorisations: folios that expire are lost, and those that nobody used must be annulled (Res. Ex. SII 58 of 2017).
func authorisations(f Facts) (alarms []Alarm) {
	today := dte.DateOf(f.Now)
	for _, r := range f.Ranges {
		free := int(r.Hasta - r.Next + 1)
		if r.Vence.IsZero() || free <= 0 {
			continue
		}
		a := Alarm{ID: fmt.Sprintf("%s:%d:%d", AlarmCAF, r.Tipo, r.Desde), Kind: AlarmCAF, Action: "Marcar como atendida", Task: true}
		which := fmt.Sprintf("los folios %d a %d de %s", r.Next, r.Hasta, name(r.Tipo))
		severity, soon := expiring(today.DaysUntil(r.Vence))
		switch {
		case r.Vence.Before(today):
			a.ID += ":vencido"
			a.Severity, a.Title = Aviso, "Folios vencidos de "+name(r.Tipo)
			a.Text = fmt.Sprintf("El %s vencieron %s, sin usar. La caja ya no los usa. Anúlelos en sii.cl (Anulación de folios).", civil(r.Vence), which)
		case soon:
			a.Severity, a.Title, a.Action, a.Task = severity, "Folios por vencer de "+name(r.Tipo), "Cómo pedir folios", false
			a.Text = fmt.Sprintf("El %s vencen %s. Hasta ese día se usan como siempre. Pida otro CAF en sii.cl antes, y anule allí los que sobren.", civil(r.Vence), which)
		default:
			continue
		}
		alarms = append(alarms, a)
	}
	return alarms
}

// expiring grades a term that ends in some days.
func expiring(days int) (Severity, bool) {
	switch {
	case days <= expiryUrgent:
		return Urgent, true
	case days <= expiryAviso:
		return Aviso, true
	}
	return Info, days <= expiryInfo
}

func certificate(f Facts) []Alarm {
	if f.Certificate.IsZero() {
		return nil
	}
	severity, soon := expiring(dte.DateOf(f.Now).DaysUntil(dte.DateOf(f.Certificate)))
	if !soon {
		return nil
	}
	a := Alarm{ID: string(AlarmCertificate), Kind: AlarmCertificate, Severity: severity, Title: "El certificado vence pronto", Action: "Cómo renovarlo"}
	renew := " Compre la renovación a su certificadora e impórtela con «tillctl pfx import»."
	day := civil(dte.DateOf(f.Certificate))
	if f.Now.After(f.Certificate) {
		a.Title = "El certificado venció"
		a.Text = fmt.Sprintf("El certificado que firma los documentos venció el %s. Lo emitido sigue siendo válido, pero no se puede emitir ni enviar nada más.", day) + renew
		return []Alarm{a}
	}
	a.Text = fmt.Sprintf("El certificado que firma los documentos vence el %s. Hasta entonces todo sigue igual; después no se podrá emitir ni enviar.", day) + renew
	return []Alarm{a}
}

func skewed(f Facts) []Alarm {
	off, side := f.Skew, "atrasado"
	if off < 0 {
		off, side = -off, "adelantado"
	}
	if off < skewAviso {
		return nil
	}
	a := Alarm{ID: string(AlarmClock), Kind: AlarmClock, Severity: Aviso, Title: "El reloj está " + side, Action: "Cómo corregirlo"}
	if off >= skewUrgent {
		a.Severity = Urgent
	}
	a.Text = fmt.Sprintf("El reloj de este equipo está %s %s respecto del SII. Lo vendido está a salvo, pero la hora va en cada documento. "+
		"Active la hora automática del sistema operativo.", side, span(off))
	return []Alarm{a}
}

func papersOwed(f Facts) []Alarm {
	if f.Papers == 0 || f.PaperProblem == "" {
		return nil
	}
	return []Alarm{{
		ID: string(AlarmPaper), Kind: AlarmPaper, Severity: Aviso, Title: plural(f.Papers, "ticket sin imprimir", "tickets sin imprimir"), Action: "Ver documentos",
		Text: fmt.Sprintf("Falta imprimir %s: %s Las ventas están emitidas; el papel sale solo al arreglar la impresora. Mientras tanto, cada cliente debe recibir una copia: ofrézcala más tarde o por correo.",
			plural(f.Papers, "ticket", "tickets"), ended(f.PaperProblem)),
	}}
}

func underWay(f Facts) []Alarm {
	if f.Outage.Number == 0 || !f.Outage.To.IsZero() {
		return nil
	}
	return []Alarm{{
		ID: fmt.Sprintf("%s:%d", AlarmOutage, f.Outage.Number), Kind: AlarmOutage, Severity: Info, Title: "Contingencia: " + f.Outage.Cause.Words(), Action: "Ver registro",
		Text: fmt.Sprintf("Hay una contingencia desde el %s: %s. Siga vendiendo: los documentos son válidos, quedan guardados y se envían solos cuando se pueda. "+
			"La caja lleva el registro; no hay que hacer nada.", moment(f.Outage.From), f.Outage.Cause.Words()),
	}}
}

// called names a document as people do: "boleta 1.204".
func called(k dte.Key) string { return name(k.Tipo) + " " + money.Pesos(k.Folio).String() }

func the(k dte.Key) string { return "la " + called(k) }

// name is what people call a document type.
func name(t dte.TipoDTE) string {
	switch t {
	case dte.Boleta:
		return "boleta"
	case dte.BoletaExenta:
		return "boleta exenta"
	case dte.Factura:
		return "factura"
	case dte.FacturaExenta:
		return "factura exenta"
	case dte.NotaCredito:
		return "nota de crédito"
	case dte.NotaDebito:
		return "nota de débito"
	case dte.FacturaCompra:
		return "factura de compra"
	case dte.GuiaDespacho:
		return "guía de despacho"
	case dte.FacturaExportacion:
		return "factura de exportación"
	case dte.NotaDebitoExp:
		return "nota de débito de exportación"
	case dte.NotaCreditoExp:
		return "nota de crédito de exportación"
	}
	return t.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return money.Pesos(n).String() + " " + many
}

// span is a duration in the unit that people would use.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d días", int(d/(24*time.Hour)))
}

// civil and moment are a day and a time as people write them.
func civil(d dte.Date) string   { return fmt.Sprintf("%02d-%02d-%04d", d.Day, d.Month, d.Year) }
func moment(t time.Time) string { return t.In(dte.Santiago).Format("02-01-2006 15:04") }

// ended and capital make a sentence of what others wrote.
func ended(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".") + "." }

func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// MailTask is the task of a letter that was stopped for good.
func MailTask(id uint64) string { return fmt.Sprintf("%s:%d", AlarmMail, id) }

// undelivered: the buyer waits for a document that will not come, and nobody at the counter would notice.
func undelivered(f Facts) (alarms []Alarm) {
	for _, m := range f.Stopped {
		alarms = append(alarms, Alarm{
			ID: MailTask(m.ID), Kind: AlarmMail, Severity: Aviso, Title: "Correo sin enviar", Action: "Marcar como atendida", Task: true, Key: m.Key,
			Text: fmt.Sprintf("El correo a %s con %s %s no se pudo enviar, y no se intenta más: %s. El documento es válido y está guardado. Corrija la dirección y envíelo otra vez desde Documentos, o entréguelo de otra manera.",
				m.To, name(m.Key.Tipo), m.Key.Folio, strings.TrimSuffix(m.Problem, ".")),
		})
	}
	return alarms
}
