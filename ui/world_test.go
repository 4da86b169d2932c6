package ui

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// world is a window with everything around it in memory, a clock that only the test moves, and a dispatcher that runs
// when told.
type world struct {
	t       testing.TB
	w       *Window
	till    *sale.Register
	deps    sale.Deps
	journal *journal
	docs    *issuedDocuments
	news    *news
	buyers  *buyers
	home    takeHome
	now     time.Time
	timers  []pendingTimer
	office  *office
	jobs    []func() // what was put aside and has not run yet
	kept    []Settings
	noKeep  error
	scales  scales
	ears    ears
	drawer  drawer
	server  membership
}

// keep is what a till's file does with settings.
func (x *world) keep(s Settings) error {
	if x.noKeep == nil {
		x.kept = append(x.kept, s)
	}
	return x.noKeep
}

// scales keep a table as the shop does.
type scales struct {
	rules sale.ScaleRules
	fail  error
}

func (s *scales) ScaleRules() (sale.ScaleRules, error) {
	if s.rules == nil {
		return sale.DefaultScaleRules(), s.fail
	}
	return s.rules, s.fail
}

func (s *scales) SetScaleRules(rules sale.ScaleRules) error {
	if s.fail != nil {
		return s.fail
	}
	s.rules = rules
	return rules.Check()
}

// membership is a server that a till joins with a code.
type membership struct {
	codes map[string]error // of each code, what the server says
	asked []string
	left  int
	fail  error // of leaving
}

func (m *membership) JoinServer(ctx context.Context, url, code string) error {
	m.asked = append(m.asked, url+" "+code)
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.codes[code]
}

func (m *membership) LeaveServer(context.Context) error {
	if m.fail == nil {
		m.left++
	}
	return m.fail
}

// drawer is the printer's, with a cash drawer below it.
type drawer struct {
	opened int
	fail   error
}

func (d *drawer) OpenDrawer(context.Context) error {
	if d.fail == nil {
		d.opened++
	}
	return d.fail
}

// ears hear the tones.
type ears struct {
	heard   []Beep
	volume  int
	problem string
}

func (e *ears) Play(b Beep, volume int) { e.heard, e.volume = append(e.heard, b), volume }
func (e *ears) Problem() string         { return e.problem }

type pendingTimer struct {
	at time.Time
	f  func()
}

type inline struct{}

func (inline) Do(f func()) { f() }

var products = []sale.Product{
	{Codigo: "7801234567894", Nombre: "Leche entera 1 L", Prc: money.PerUnit(1090), Categoria: "Lácteos", Favorito: true},
	{Codigo: "7802900001018", Nombre: "Café instantáneo tarro 170 g", Prc: money.PerUnit(5490), Categoria: "Abarrotes", Favorito: true},
	{Codigo: "100", Nombre: "Pan marraqueta", Unidad: "kg", Prc: money.PerUnit(2190), Categoria: "Panadería", Favorito: true},
	{Codigo: "101", Nombre: "Pan hallulla", Unidad: "kg", Prc: money.PerUnit(2290), Categoria: "Panadería", Favorito: true},
	{Codigo: "102", Nombre: "Palta Hass", Unidad: "kg", Prc: money.PerUnit(4990), Categoria: "Verduras", Favorito: true},
	{Codigo: "200", Nombre: "Bolsa reutilizable", Prc: money.PerUnit(350), Categoria: "Abarrotes", Favorito: true},
	{Codigo: "201", Nombre: "Agua mineral sin gas 1,6 L", Prc: money.PerUnit(1150), Categoria: "Bebidas", Favorito: true},
	{Codigo: "202", Nombre: "Bebida cola 3 L retornable con envase", Prc: money.PerUnit(2990), Categoria: "Bebidas", Favorito: true},
	{Codigo: "203", Nombre: "Huevos de gallina libre, bandeja de 12", Prc: money.PerUnit(3890), Categoria: "Lácteos", Favorito: true},
	{Codigo: "204", Nombre: "Queso laminado 250 g", Prc: money.PerUnit(3150), Categoria: "Lácteos", Favorito: true},
	{Codigo: "205", Nombre: "Diario de la mañana", Prc: money.PerUnit(1000), Exento: true, Categoria: "Diarios", Favorito: true},
	{Codigo: "206", Nombre: "Detergente líquido 3 L", Prc: money.PerUnit(8990), Categoria: "Aseo", Favorito: true},
	{Codigo: "207", Nombre: "Papel higiénico 8 rollos", Prc: money.PerUnit(4290), Categoria: "Aseo", Favorito: true},
	{Codigo: "208", Nombre: "Arroz grado 1, 1 kg", Prc: money.PerUnit(1590), Categoria: "Abarrotes", Favorito: true},
	{Codigo: "209", Nombre: "Aceite de maravilla 900 ml", Prc: money.PerUnit(2390), Categoria: "Abarrotes", Favorito: true},
	{Codigo: "210", Nombre: "Azúcar 1 kg", Prc: money.PerUnit(1290), Categoria: "Abarrotes", Favorito: true},
	{Codigo: "300", Nombre: "Leche descremada 1 L", Prc: money.PerUnit(1097)},
}

func newWorld(t testing.TB) *world { return newWorldWith(t, false, Look{}, products) }

func newWorldWith(t testing.TB, training bool, look Look, products []sale.Product) *world {
	x := &world{t: t, now: time.Date(2026, 3, 16, 12, 30, 0, 0, dte.Santiago)}
	x.home = takeHome{folder: "/home/rosa/Documentos", text: "Almacén Doña Rosa, RUT 76.543.210-3\nBoleta Electrónica N° 1204\nFecha: 16-03-2026\nTotal: $27.030\nVerifique el documento en www.sii.cl"}
	x.docs, x.news, x.office = &issuedDocuments{at: x.now}, &news{}, &office{}
	x.buyers = &buyers{now: func() time.Time { return x.now }}
	x.journal = &journal{Memory: sale.NewMemory(), docs: x.docs}
	shop := saletest.Shop()
	if !training {
		shop.Ambiente = dte.Certificacion
	}
	for tipo, last := range map[dte.TipoDTE]dte.Folio{dte.Boleta: 1615, dte.BoletaExenta: 1300, dte.Factura: 1300, dte.GuiaDespacho: 1300} {
		caf, _ := dtetest.CAF(shop.Emisor.RUT, tipo, 1204, last, dtetest.FA())
		if err := x.journal.AddCAF(caf); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if err := x.journal.SetModelo(sale.ModeloBoleta, x.now); err != nil {
		t.Fatal(err)
	}
	x.deps = sale.Deps{
		Shop: shop, Journal: x.journal, Catalogue: sale.NewCatalogue(products), Signer: dtetest.Signer(dtetest.Person),
		Pace: func() map[dte.TipoDTE][]int {
			return map[dte.TipoDTE][]int{dte.Factura: {10, 14, 3}, dte.Boleta: {1, 0}}
		},
		Now: func() time.Time { return x.now }, Rand: rand.Reader, PINCost: sale.PINCost{Time: 1, Memory: 8, Threads: 1},
	}
	x.till, err = sale.NewRegister(x.deps)
	if err != nil {
		t.Fatal(err)
	}
	settings := DefaultSettings()
	settings.Look = look
	x.w = New(test.NewTempApp(t), Deps{
		Counter: x.till, Documents: x.docs, Notices: x.news, Scales: &x.scales, Customers: x.buyers, Copies: &x.home, Server: &x.server, Comunas: comunas, Office: x.office, Drawer: &x.drawer, Shop: "Almacén Doña Rosa", Caja: "CAJA1",
		Settings: settings, Keep: x.keep, Sounds: &x.ears,
		Now: func() time.Time { return x.now }, Loop: inline{},
		Aside: func(work func()) { x.jobs = append(x.jobs, work) },
		After: func(d time.Duration, f func()) { x.timers = append(x.timers, pendingTimer{x.now.Add(d), f}) },
	})
	t.Cleanup(x.w.Fyne().Close)
	return x
}

// pass lets time go by; timers go off at their moment.
func (x *world) pass(d time.Duration) {
	for end := x.now.Add(d); ; {
		next := -1
		for i, p := range x.timers {
			if !p.at.After(end) && (next < 0 || p.at.Before(x.timers[next].at)) {
				next = i
			}
		}
		if next < 0 {
			x.now = end
			return
		}
		p := x.timers[next]
		x.timers = slices.Delete(x.timers, next, next+1)
		x.now = p.at
		p.f()
	}
}

// finger types as a person does.
func (x *world) finger(text string) {
	for _, r := range text {
		x.pass(120 * time.Millisecond)
		x.stroke(r)
	}
	x.pass(300 * time.Millisecond)
}

// burst types as a scanner does, without the Enter.
func (x *world) burst(code string) {
	for _, r := range code {
		x.pass(time.Millisecond)
		x.stroke(r)
	}
}

// stroke is one key as the real driver tells it: the key first, with Shift if need be, then its character.
func (x *world) stroke(r rune) {
	focused := x.w.Fyne().Canvas().Focused()
	if unicode.IsUpper(r) || r == '*' {
		focused.TypedKey(&fyne.KeyEvent{Name: desktop.KeyShiftLeft})
	}
	focused.TypedKey(&fyne.KeyEvent{Name: fyne.KeyName(strings.ToUpper(string(r)))})
	focused.TypedRune(r)
}

// scan is a burst and its Enter.
func (x *world) scan(code string) {
	x.burst(code)
	x.pass(time.Millisecond)
	x.press(fyne.KeyReturn)
}

func (x *world) press(keys ...fyne.KeyName) {
	for _, k := range keys {
		x.w.Fyne().Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: k})
	}
}

func (x *world) alt(key fyne.KeyName) {
	s := &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierAlt}
	x.w.Fyne().Canvas().Focused().(fyne.Shortcutable).TypedShortcut(s)
}

// enter types and presses Enter.
func (x *world) enter(text string) {
	x.finger(text)
	x.press(fyne.KeyReturn)
}

// words are all texts to be seen.
func (x *world) words() string {
	var all []string
	seen(x.w.Fyne().Content(), func(o fyne.CanvasObject) {
		switch o := o.(type) {
		case *text:
			all = append(all, o.words)
		case *button:
			all = append(all, o.words)
		}
	})
	return strings.Join(all, "\n")
}

// seen visits every object that is visible with all its parents.
func seen(o fyne.CanvasObject, visit func(fyne.CanvasObject)) {
	if o == nil || !o.Visible() {
		return
	}
	visit(o)
	for _, c := range children(o) {
		seen(c, visit)
	}
}

// children are the objects that an object is drawn with.
func children(o fyne.CanvasObject) []fyne.CanvasObject {
	switch o := o.(type) {
	case *fyne.Container:
		return o.Objects
	case fyne.Widget:
		return test.WidgetRenderer(o).Objects()
	}
	return nil
}

func (x *world) sees(parts ...string) {
	x.t.Helper()
	all := x.words()
	for _, part := range parts {
		if !strings.Contains(all, part) {
			x.t.Fatalf("the screen does not say %q; it says:\n%s", part, all)
		}
	}
}

func (x *world) seesNot(part string) {
	x.t.Helper()
	if strings.Contains(x.words(), part) {
		x.t.Fatalf("the screen still says %q", part)
	}
}

// tap touches the visible button with these words.
func (x *world) tap(words string) {
	x.t.Helper()
	var found *button
	seen(x.w.Fyne().Content(), func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok && b.words == words && !b.off {
			found = b
		}
	})
	if found == nil {
		x.t.Fatalf("there is no button %q", words)
	}
	x.w.Fyne().Canvas().Unfocus() // as the real driver does when a finger touches what takes no focus
	test.Tap(found)
}

// typingIsAt fails unless f has the focus.
func (x *world) typingIsAt(f *field) {
	x.t.Helper()
	if x.w.Fyne().Canvas().Focused() != fyne.Focusable(f) {
		x.t.Fatalf("the focus is at %T, not at the field that should have it", x.w.Fyne().Canvas().Focused())
	}
}

// snap is what the till says now.
func (x *world) snap() sale.Snapshot { return x.till.Snapshot() }

func (x *world) lines() []sale.Line { return x.snap().Cart.Lines }

// journal is Memory that fails once when told.
type journal struct {
	*sale.Memory
	docs     *issuedDocuments
	fail     error
	noFolios bool
}

func (j *journal) failing() error {
	err := j.fail
	j.fail = nil
	return err
}

func (j *journal) SaveCart(c sale.Cart, events ...sale.Event) error {
	if err := j.failing(); err != nil {
		return err
	}
	return j.Memory.SaveCart(c, events...)
}

func (j *journal) Issue(id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if err := j.failing(); err != nil {
		return sale.Record{}, err
	}
	r, err := j.Memory.Issue(id, tipo, at, build)
	if err == nil {
		j.docs.list = slices.Insert(j.docs.list, 0, sale.DocumentInfo{Record: r, State: dte.Issued, Printed: 1})
	}
	return r, err
}

func (j *journal) FoliosLeft(tipo dte.TipoDTE, day dte.Date) (int, error) {
	if j.noFolios {
		return 0, nil
	}
	return j.Memory.FoliosLeft(tipo, day)
}

// issuedDocuments keeps what the till issued, newest first.
type issuedDocuments struct {
	list     []sale.DocumentInfo
	reprints []dte.Key
	at       time.Time
	fail     error
}

func (d *issuedDocuments) Documents(q sale.DocumentQuery) ([]sale.DocumentInfo, error) {
	list := d.list
	if q.Folio != 0 {
		list = slices.DeleteFunc(slices.Clone(list), func(o sale.DocumentInfo) bool { return o.Key.Folio != q.Folio })
	}
	return list[:min(len(list), q.Limit)], nil
}

func (d *issuedDocuments) FindDocuments(_ context.Context, q sale.DocumentSearch) (found sale.DocumentsFound, err error) {
	for _, o := range d.list {
		found.Looked++
		if q.Holds(o.Record) {
			found.Documents = append(found.Documents, o)
		}
		if len(found.Documents) == sale.MostFound {
			found.Until = o.At
			break
		}
	}
	return found, d.fail
}

// Reprint orders by the rules of the real thing, for a document whose papers all come out at once.
func (d *issuedDocuments) Reprint(k dte.Key, cedible bool, who string) (sale.PrintJob, error) {
	d.reprints = append(d.reprints, k)
	p := sale.Papers{Original: true}
	i := slices.IndexFunc(d.list, func(o sale.DocumentInfo) bool { return o.Key == k })
	if i >= 0 {
		for _, c := range d.list[i].Copies {
			p.Out(sale.PrintJob{Copy: c.N, Cedible: c.Cedible})
		}
		p.Original, p.Copies = d.list[i].Printed > 0, d.list[i].Copies
	}
	job, _ := p.Order(sale.PaperOrder{Key: k, Cedible: cedible, At: d.at, Who: who}, nil)
	if p.Out(job); i >= 0 {
		d.list[i].Copies, d.list[i].Printed = p.Copies, d.list[i].Printed+1
	}
	return job, nil
}

// takeHome keeps what the window wanted to be handed over.
type takeHome struct {
	folder string
	saved  []string
	fail   error
	text   string
	// What was wanted by mail.
	mails   []string
	account sale.MailAccount
	said    string
}

func (h *takeHome) SendMail(k dte.Key, to, who string) (sale.Mail, error) {
	if h.fail == nil {
		h.mails = append(h.mails, k.ID()+" "+to+" "+who)
	}
	return sale.Mail{Key: k, To: to}, h.fail
}

func (h *takeHome) MailAccount() (sale.MailAccount, error) {
	a := h.account
	a.Password = ""
	return a, nil
}

func (h *takeHome) SetMailAccount(a sale.MailAccount) error {
	err := a.Check()
	if err == nil {
		h.account = a
	}
	return err
}

func (h *takeHome) TryMail(context.Context) (string, error) { return h.said, h.fail }

func (h *takeHome) SavePDF(k dte.Key, kind sale.PDFKind) (string, error) {
	path := h.folder + "/" + sale.PDFName(k, kind) + ".pdf"
	if h.fail == nil {
		h.saved = append(h.saved, path)
	}
	return path, h.fail
}

func (h *takeHome) PDFFolder() (string, error)       { return h.folder, nil }
func (h *takeHome) CopyText(dte.Key) (string, error) { return h.text, h.fail }
func (h *takeHome) SetPDFFolder(dir string) (err error) {
	if h.fail == nil {
		h.folder = dir
	}
	return h.fail
}

// news keeps what the window did about alarms and contingencies.
type news struct {
	alarms   []sale.Alarm
	outages  []sale.Outage
	fail     error
	attended []string
	takings  sale.Takings
	buyer    dte.Receptor
	// What was done about refused documents, and what they say.
	done       []string
	standing   sale.Correction
	corrected  sale.Correction
	checkFails error
}

func (n *news) Alarms() ([]sale.Alarm, error) { return slices.Clone(n.alarms), n.fail }

func (n *news) Attend(id, who, what string) error {
	n.attended = append(n.attended, id, who, what)
	n.alarms = slices.DeleteFunc(n.alarms, func(a sale.Alarm) bool { return a.ID == id })
	return n.fail
}

func (n *news) Outages(limit int) ([]sale.Outage, error) {
	return n.outages[:min(limit, len(n.outages))], n.fail
}

func (n *news) tell(o sale.Outage) sale.Outage {
	o.Number = len(n.outages) + 1
	n.outages = slices.Insert(n.outages, 0, o)
	return o
}

func (n *news) Summarise(o sale.Outage, t sale.Takings) (sale.Record, error) {
	order, err := sale.SummaryOrder(o, t)
	if err != nil {
		return sale.Record{}, err
	}
	key := dte.Key{Emisor: 76543210, Tipo: order.Draft.Tipo, Folio: 1300}
	o.Summary, n.takings = key, t
	n.tell(o)
	return sale.Record{Key: key, Total: t.Afecto + t.Exento}, n.fail
}

func (n *news) IssueCopy(o sale.Outage, buyer dte.Receptor, t sale.Takings) (sale.Record, error) {
	order, err := sale.CopyOrder(o, buyer, t)
	if err != nil {
		return sale.Record{}, err
	}
	n.buyer, n.takings = buyer, t
	return sale.Record{Key: dte.Key{Emisor: 76543210, Tipo: order.Draft.Tipo, Folio: 1301}, Total: t.Afecto}, n.fail
}

func (n *news) NoteManual(o sale.Outage, m sale.ManualRange) (sale.Outage, error) {
	o.Manual = m
	return n.tell(o), n.fail
}

func (n *news) SaveOutageReport() (string, error) { return "/caja/informes/contingencias.pdf", n.fail }

func (n *news) CorrectionOf(k dte.Key) (sale.Correction, error) {
	c := n.standing
	c.Key = k
	return c, n.fail
}

func (n *news) CheckCorrection(c sale.Correction) error {
	if c.Receptor == n.standing.Receptor && len(c.Referencia) == len(n.standing.Referencia) && (len(c.Referencia) == 0 || c.Referencia[0] == n.standing.Referencia[0]) {
		return sale.ErrNoChange
	}
	return n.checkFails
}

// act closes the task, as the real one does.
func (n *news) act(act sale.Act, k dte.Key, who, why string) error {
	if n.fail != nil {
		return n.fail
	}
	n.done = append(n.done, string(act), k.ID(), who, why)
	n.alarms = slices.DeleteFunc(n.alarms, func(a sale.Alarm) bool { return a.Key == k })
	return nil
}

func (n *news) Resend(k dte.Key, who, why string) error { return n.act(sale.ActResend, k, who, why) }

func (n *news) Correct(c sale.Correction, who, why string) (sale.Record, error) {
	n.corrected = c
	return sale.Record{Key: c.Key, Total: 14_990}, n.act(sale.ActCorrect, c.Key, who, why)
}

func (n *news) Reissue(k dte.Key, who, why string) (sale.Record, error) {
	next := k
	next.Folio = 1205
	return sale.Record{Key: next, Total: 14_990, Replaces: k}, n.act(sale.ActReissue, k, who, why)
}

// office has a month's balance, and what the window asked of it.
type office struct {
	balance sale.Balance
	booked  []sale.BookEntry
	told    []string
	fail    error
	asked   []string
}

func (o *office) Balance(_ context.Context, first, last dte.Date, register string) (sale.Balance, error) {
	o.asked = append(o.asked, fmt.Sprint("balance ", first, " ", last, " ", register))
	b := o.balance
	if b.First, b.Last = first, last; register == "" {
		b.Compared, b.Differences = false, nil
	}
	return b, o.fail
}

func (o *office) Booked(_ context.Context, day dte.Date, tipo dte.TipoDTE, _ int) ([]sale.BookEntry, error) {
	o.asked = append(o.asked, fmt.Sprint("booked ", day, " ", int(tipo)))
	return o.booked, o.fail
}

func (o *office) SaveBalance(b sale.Balance, format string) (string, error) {
	o.asked = append(o.asked, fmt.Sprint("save ", b.First, " ", format))
	return "/caja/informes/conciliacion." + format, o.fail
}

func (o *office) ImportResultados(path string) ([]string, error) {
	o.asked = append(o.asked, "import "+path)
	return o.told, o.fail
}

// work does what was put aside.
func (x *world) work() {
	for len(x.jobs) > 0 {
		job := x.jobs[0]
		x.jobs = x.jobs[1:]
		job()
	}
}

// buyers are the real book in memory, as cmd/shop gives it to the window.
type buyers struct {
	sale.CustomerBook
	now  func() time.Time
	fail error
}

func (b *buyers) SaveCustomer(c sale.Customer) error {
	if b.fail != nil {
		return b.fail
	}
	return b.PutCustomers(b.now(), c)
}

var comunas = sale.NewNames([]string{"Maipú", "Ñuñoa", "San Antonio", "Santiago", "Viña del Mar"})
