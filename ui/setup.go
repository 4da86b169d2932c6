package ui

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"mostrador/dte"
	"mostrador/sale"
)

// Founder makes a shop, step by step, with the same acts as the mechanic's tool. Errors say in Spanish what happened and
// what to do.
type Founder interface {
	// Practice makes the practice shop, if it is not there yet. What comes after is its till.
	Practice(m sale.Modelo) error
	// Load reads the data of a shop from a file; Check says what is wrong with some.
	Load(file string) (sale.Shop, error)
	Check(info sale.Shop) error
	Create(info sale.Shop, phrase string) error
	TryPrinter(device string) error
	SetPrinter(device string) error
	// Certificate and CAF take in what the SII and the certifier hand out, and say what it was.
	Certificate(file, password string) (string, error)
	CAF(file string) (string, error)
	Owner(name, pin string) error
	// Files are some that a path may become while it is written; without a beginning, those that were likely meant.
	Files(text string, endings ...string) []string
	// Ready says why the till cannot be opened yet; Open opens it.
	Ready() error
	Open() error
}

// SetupDeps are what an assistant works with.
type SetupDeps struct {
	Founder Founder
	Comunas *sale.Names
	// Created: the shop is there and lacks its certificate, so the questions begin with that.
	Created bool
	// Tone is how it looks; without one, like the desktop.
	Tone Tone
	// Framed is that of Deps.
	Framed func(do func(f func()))
	// Loop and Aside are for tests, as those of Deps.
	Loop  Dispatcher
	Aside func(work func())
}

// Setup is the window of a computer without a shop: it asks what a till needs, one question at a time. What was answered
// is not asked again; before the shop is made nothing is written.
type Setup struct {
	SetupDeps
	l       *look
	win     fyne.Window
	page    *page
	problem *text
	answers answers
}

// answers are what was written so far.
type answers struct {
	ambiente                                     string
	rut, rznSoc, giro, direccion, comuna, ciudad string
	acteco, resolucion, fecha, caja              string
	phrase, again                                string
	modelo                                       sale.Modelo
	loaded                                       sale.Shop
	file, printer, certificate, password, caf    string
	owner, pin, pinAgain                         string
	certified                                    string
}

// page is one question.
type page struct {
	title, words string
	lines        []*setupLine
	picks        []pick      // by their number, or a finger
	tools        []setupTool // beside the way on
	yes          string
	next         func() error // nil: only picks lead on
	back         func()       // nil: there is no way back
	at           int
}

type pick struct {
	words, detail string
	do            func() error
}

type setupTool struct {
	words string
	do    func() error
}

// setupLine is a line to fill in.
type setupLine struct {
	label, hint string
	into        *string
	secret      bool
	path        bool                    // of a file
	live        func(text string) state // said while it is typed
	from        func(text string) []string
	entry       *setupEntry
	frame       *panel
	note        *text
	offers      *fyne.Container
}

// NewSetup makes the assistant; it is shown by ShowAndRun or Show of its window.
func NewSetup(app fyne.App, d SetupDeps) *Setup {
	if d.Loop == nil {
		d.Loop = newFyneLoop(app)
	}
	if d.Aside == nil {
		d.Aside = newGoroutine
	}
	s := &Setup{SetupDeps: d, l: newLook(Look{Tone: d.Tone}, false), answers: answers{ambiente: string(dte.Produccion), caja: "CAJA1"}}
	app.Settings().SetTheme(s.l)
	s.win = app.NewWindow("Mostrador")
	s.win.SetPadded(false)
	s.win.Resize(fyne.NewSize(1024, 720))
	s.win.SetOnDropped(s.dropped)
	s.win.Canvas().SetOnTypedRune(s.typed)
	s.win.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) { s.key(k.Name) })
	if d.Created {
		s.show(s.certificate())
	} else {
		s.show(s.welcome())
	}
	return s
}

// Fyne is the window for those who must show, close or look at it.
func (s *Setup) Fyne() fyne.Window { return s.win }

// Words are what stands in the window.
func (s *Setup) Words() []string {
	var all []string
	said(s.win.Content(), func(words string) {
		if words != "" {
			all = append(all, words)
		}
	})
	return all
}

func (s *Setup) welcome() *page {
	begin := func(ambiente string) func() error {
		return func() error {
			s.answers.ambiente = ambiente
			s.show(s.company())
			return nil
		}
	}
	return &page{
		title: "Esta es la caja de su negocio",
		words: "Vende con o sin internet y emite boletas y facturas electrónicas. En este computador todavía no hay una caja. Elija con su número o con el dedo; hasta el final nada se guarda.",
		picks: []pick{
			{"Practicar", "una tienda de mentira: nada vale ni llega al SII", func() error { s.show(s.modelo(s.welcome, s.practise)); return nil }},
			{"Vender de verdad", "con los datos de su empresa", begin(string(dte.Produccion))},
			{"Certificarse ante el SII", "con su empresa, en el ambiente de pruebas", begin(string(dte.Certificacion))},
			{"Cargar un archivo de tillctl", "los datos de una tienda ya escritos", func() error { s.show(s.load()); return nil }},
		},
	}
}

func (s *Setup) practise() {
	s.work("Se arma la tienda de práctica…", func() error { return s.Founder.Practice(s.answers.modelo) }, func() { s.fail(s.Founder.Open()) })
}

func (s *Setup) load() *page {
	return &page{
		title: "Archivo con los datos de la tienda", words: "Lo escribe «tillctl tienda show», o una persona (vea docs/tienda.md).",
		lines: []*setupLine{s.file("Archivo", "Escriba dónde está, o arrástrelo aquí", &s.answers.file, ".json")},
		yes:   "Seguir", back: func() { s.show(s.welcome()) },
		next: func() error {
			info, err := s.Founder.Load(s.answers.file)
			if err == nil {
				err = s.Founder.Check(info)
			}
			if err != nil {
				return err
			}
			s.answers.loaded, s.answers.modelo = info, info.Modelo
			s.afterCompany(s.load)
			return nil
		},
	}
}

// afterCompany asks for the modelo unless the data already say it.
func (s *Setup) afterCompany(back func() *page) {
	if s.answers.modelo != "" {
		s.show(s.phrase(back))
		return
	}
	s.show(s.modelo(back, func() { s.show(s.phrase(back)) }))
}

func (s *Setup) company() *page {
	a := &s.answers
	return &page{
		title: "La empresa", words: "Tal como está inscrita en el SII. Sale en cada documento.",
		lines: []*setupLine{
			{label: "RUT", hint: "76.543.210-3", into: &a.rut, live: rutState},
			{label: "Razón social", into: &a.rznSoc},
			{label: "Giro", hint: "Minimarket", into: &a.giro},
			{label: "Dirección", into: &a.direccion},
			{label: "Comuna", hint: "Escriba el comienzo", into: &a.comuna, from: func(text string) []string { return s.Comunas.Find(text, 4) }},
			{label: "Ciudad (puede faltar)", into: &a.ciudad},
		},
		yes: "Seguir", back: func() { s.show(s.welcome()) },
		next: func() error {
			if _, err := dte.ParseRUT(a.rut); err != nil {
				return fmt.Errorf("el RUT de la empresa: %w", err)
			}
			official, ok := s.Comunas.Official(a.comuna)
			if !ok {
				return fmt.Errorf("«%s» no está en la lista de comunas de Chile: escriba el comienzo y elíjala", a.comuna)
			}
			a.comuna = official
			s.show(s.registered())
			return nil
		},
	}
}

func (s *Setup) registered() *page {
	a := &s.answers
	words := "El número y la fecha de la resolución que la autoriza a emitir están en sii.cl, Factura electrónica, Consultas."
	if a.ambiente == string(dte.Certificacion) {
		words = "En certificación la resolución es la número 0, con la fecha en que se autorizó."
	}
	return &page{
		title: "Ante el SII", words: words,
		lines: []*setupLine{
			{label: "Código de actividad económica", hint: "472101", into: &a.acteco},
			{label: "Número de la resolución", hint: "80", into: &a.resolucion},
			{label: "Fecha de la resolución", hint: "22-08-2014", into: &a.fecha},
			{label: "Nombre de esta caja", into: &a.caja},
		},
		yes: "Seguir", back: func() { s.show(s.company()) },
		next: func() error {
			info, err := a.info()
			if err == nil {
				err = s.Founder.Check(info)
			}
			if err != nil {
				return err
			}
			a.loaded = info
			s.afterCompany(s.registered)
			return nil
		},
	}
}

// info are the answers as the data of a shop.
func (a *answers) info() (sale.Shop, error) {
	info := sale.Shop{Ambiente: dte.Ambiente(a.ambiente), Caja: a.caja, Verificacion: "www.sii.cl"}
	info.Emisor = dte.Emisor{RznSoc: a.rznSoc, Giro: a.giro, Direccion: a.direccion, Comuna: a.comuna, Ciudad: a.ciudad}
	var err error
	if info.Emisor.RUT, err = dte.ParseRUT(a.rut); err != nil {
		return info, err
	}
	acteco, err := strconv.Atoi(a.acteco)
	if err != nil {
		return info, fmt.Errorf("el código de actividad son seis cifras, por ejemplo 472101, y no «%s»", a.acteco)
	}
	info.Emisor.Acteco = []int{acteco}
	if info.Resolucion.Nro, err = strconv.Atoi(a.resolucion); err != nil {
		return info, fmt.Errorf("el número de la resolución son cifras, y no «%s»", a.resolucion)
	}
	if info.Resolucion.Fch, err = writtenDay(a.fecha); err != nil {
		return info, err
	}
	return info, nil
}

// writtenDay reads a day as people write it: 22-08-2014.
func writtenDay(text string) (dte.Date, error) {
	var day, month, year int
	if _, err := fmt.Sscanf(text, "%d-%d-%d", &day, &month, &year); err == nil {
		if d, err := dte.ParseDate(fmt.Sprintf("%04d-%02d-%02d", year, month, day)); err == nil {
			return d, nil
		}
	}
	return dte.Date{}, fmt.Errorf("la fecha se escribe como 22-08-2014, y no «%s»", text)
}

// modelo is asked once, here. Who does not know it is asked at the first sale that a card pays whole.
func (s *Setup) modelo(back func() *page, then func()) *page {
	take := func(m sale.Modelo) func() error {
		return func() error {
			s.answers.modelo = m
			then()
			return nil
		}
	}
	return &page{
		title: "¿Qué modelo de emisión declaró al SII?", back: func() { s.show(back()) },
		words: "Dice si el comprobante del terminal de tarjetas vale como boleta. Está en sii.cl, Boleta electrónica, Declaración de modelo de emisión.",
		picks: []pick{
			{"Siempre boleta", "también cuando se paga con tarjeta", take(sale.ModeloBoleta)},
			{"Voucher como boleta", "lo pagado entero con tarjeta queda sin boleta", take(sale.ModeloVoucher)},
			{"No lo sé todavía", "se pregunta en la primera venta con tarjeta", take("")},
		},
	}
}

func (s *Setup) phrase(back func() *page) *page {
	a := &s.answers
	return &page{
		title: "Frase clave del dueño",
		words: "Abre los secretos de esta caja en otro computador, si éste se pierde. Ocho caracteres o más. Escríbala en un papel y guárdela fuera de la tienda: nadie la puede recuperar.",
		lines: []*setupLine{{label: "Frase clave", into: &a.phrase, secret: true}, {label: "Otra vez", into: &a.again, secret: true}},
		yes:   "Crear la caja", back: func() { s.show(back()) },
		next: func() error {
			if a.phrase != a.again {
				return fmt.Errorf("las dos no son iguales. Nada se guardó: escríbala otra vez")
			}
			info := a.loaded
			info.Modelo = a.modelo
			s.work("Se crea la caja…", func() error { return s.Founder.Create(info, a.phrase) }, func() {
				a.phrase, a.again = "", ""
				s.show(s.printing())
			})
			return nil
		},
	}
}

// What follows changes a shop that is there: it can be left at any moment, and done later.

func (s *Setup) printing() *page {
	a := &s.answers
	return &page{
		title: "Impresora y cajón",
		words: "La caja ya existe. De red: tcp:192.168.1.50:9100. Conectada a este equipo: archivo:/dev/usb/lp0. Probar imprime una línea y abre el cajón. Sin impresora se vende igual, y el papel espera.",
		lines: []*setupLine{{label: "Impresora (puede faltar)", hint: "tcp:192.168.1.50:9100", into: &a.printer}},
		tools: []setupTool{{"Probar", func() error {
			s.work("Se prueba…", func() error { return s.Founder.TryPrinter(a.printer) }, func() { s.problem.sayIn("La impresora contestó. ¿Salió el papel y se abrió el cajón?", good) })
			return nil
		}}},
		yes: "Seguir",
		next: func() error {
			if a.printer != "" {
				if err := s.Founder.SetPrinter(a.printer); err != nil {
					return err
				}
			}
			s.show(s.certificate())
			return nil
		},
	}
}

func (s *Setup) certificate() *page {
	a := &s.answers
	return &page{
		title: "Certificado digital",
		words: "El archivo .pfx o .p12 con que se firma cada documento. Queda sellado en la caja. Puede dejarlo para después (déjelo en blanco), pero sin él esta caja no emite nada: al abrir el programa se le volverá a pedir.",
		lines: []*setupLine{s.file("Archivo", "Escriba dónde está, o arrástrelo aquí", &a.certificate, ".pfx", ".p12"), {label: "Su clave", into: &a.password, secret: true}},
		yes:   "Seguir",
		next: func() error {
			if a.certificate != "" {
				words, err := s.Founder.Certificate(a.certificate, a.password)
				if err != nil {
					return err
				}
				a.certified, a.password = words, ""
			}
			s.show(s.folios())
			return nil
		},
	}
}

func (s *Setup) folios() *page {
	a := &s.answers
	p := &page{
		title: "Folios (CAF)",
		words: "Cada archivo XML de folios que bajó del SII: uno por tipo de documento. Agregar toma uno y pide el siguiente. Sin folios la caja abre y muestra precios, pero no puede emitir ese documento; después se cargan con «tillctl caf import».",
		lines: []*setupLine{s.file("Archivo (puede faltar)", "Escriba dónde está, o arrástrelo aquí", &a.caf, ".xml")},
		yes:   "Seguir",
	}
	add := func() error {
		words, err := s.Founder.CAF(a.caf)
		if err != nil {
			return err
		}
		a.caf = ""
		s.show(s.folios())
		s.problem.sayIn(words, good)
		return nil
	}
	p.tools = []setupTool{{"Agregar", add}}
	p.next = func() error {
		if a.caf != "" {
			return add()
		}
		if s.Created {
			s.show(s.ending())
		} else {
			s.show(s.people())
		}
		return nil
	}
	return p
}

func (s *Setup) people() *page {
	a := &s.answers
	return &page{
		title: "¿Trabaja más de una persona?",
		words: "Si quiere que cada uno entre con su PIN y tenga sus permisos, empiece por el dueño. Si lo deja en blanco la caja no pide nada a nadie; se puede agregar después en el menú, Personas.",
		lines: []*setupLine{
			{label: "Nombre del dueño (puede faltar)", into: &a.owner}, {label: "PIN, de 4 a 8 cifras", into: &a.pin, secret: true}, {label: "PIN otra vez", into: &a.pinAgain, secret: true},
		},
		yes: "Seguir", back: func() { s.show(s.folios()) },
		next: func() error {
			if a.owner != "" {
				if a.pin != a.pinAgain {
					return fmt.Errorf("los dos PIN no son iguales. Nada se guardó: escríbalos otra vez")
				}
				if err := s.Founder.Owner(a.owner, a.pin); err != nil {
					return err
				}
				a.owner, a.pin, a.pinAgain = "", "", ""
			}
			s.show(s.ending())
			return nil
		},
	}
}

func (s *Setup) ending() *page {
	if err := s.Founder.Ready(); err != nil {
		return &page{
			title: "La caja quedó creada, y falta su certificado",
			words: sentence(err.Error()) + " Lo que escribió está guardado. Cuando lo tenga, abra el programa: sigue en esa pregunta.",
			picks: []pick{{"Cargarlo ahora", "", func() error { s.show(s.certificate()); return nil }}, {"Cerrar", "", func() error { s.win.Close(); return nil }}},
		}
	}
	words := "Todo quedó guardado."
	if s.answers.certified != "" {
		words = s.answers.certified + " Todo quedó guardado."
	}
	return &page{
		title: "Listo", words: words + " El catálogo se carga con «tillctl productos import», o creando cada producto en la caja.",
		yes: "Abrir la caja", next: s.Founder.Open,
	}
}

// dropped takes a file that was dragged into the window: it goes into the first line.
func (s *Setup) dropped(_ fyne.Position, files []fyne.URI) {
	if p := s.page; len(files) > 0 && len(p.lines) > 0 && p.lines[0].path {
		p.lines[0].entry.SetText(files[0].Path())
	}
}

// file is a line for the path of a file, with those that it may become.
func (s *Setup) file(label, hint string, into *string, endings ...string) *setupLine {
	return &setupLine{label: label, hint: hint, into: into, path: true, from: func(text string) []string { return s.Founder.Files(text, endings...) }}
}

// rutState says of a RUT what can be said while it is typed.
func rutState(text string) state {
	rut, err := dte.ParseRUT(text)
	digits := len(strings.NewReplacer(".", "", "-", "").Replace(text))
	switch {
	case err == nil:
		return state{"", good, rut.Dotted() + " es correcto"}
	case text == "":
		return state{"", muted, "Con dígito verificador"}
	case digits < 8:
		return state{"", muted, "Siga escribiendo…"}
	}
	return state{"", bad, "El dígito verificador no corresponde"}
}

// show draws a question; the typing is in its first line.
func (s *Setup) show(p *page) {
	s.page, p.at = p, 0
	l := s.l
	s.problem = newText(l, 16, bad, wrap).upTo(3).strong()
	items := []item{as(newText(l, 28, ink, shrink).strong().say(p.title)), as(s.explanation(p.words))}
	for i := 0; i < len(p.lines); i += 2 {
		pair := row(l.px(16), grow(s.draw(p, i)))
		if i+1 < len(p.lines) {
			pair = row(l.px(16), grow(s.draw(p, i)), grow(s.draw(p, i+1)))
		}
		items = append(items, as(pair))
	}
	for i, c := range p.picks {
		words := fmt.Sprintf("%d   %s", i+1, c.words)
		b := newButton(l, plain, words, "", func() { s.fail(c.do()) }).bigger(19, fyne.NewSize(300, 64))
		items = append(items, fixed(l.px(64), row(l.px(16), fixed(l.px(340), b), grow(newText(l, 16, muted, wrap).upTo(2).say(c.detail)))))
	}
	items = append(items, fixed(l.px(64), s.problem), fixed(l.px(64), row(l.px(12), s.buttons(p)...)))
	s.win.SetContent(withFirstFrame(stack(newPanelSquare(l, ground), dialogCard(l, 860, col(l.px(12), items...))), s.firstFrame()))
	if len(p.lines) > 0 {
		s.goTo(0)
		return
	}
	s.win.Canvas().Unfocus()
}

// explanation has as many lines as it needs, in the width that every question has.
func (s *Setup) explanation(words string) *text {
	t := newText(s.l, 17, muted, wrap).atTop().say(words)
	return t.upTo(len(t.breakUp(s.l.px(17), s.l.px(790), 4)))
}

// firstFrame is what there is to do in it; nothing once it was done.
func (s *Setup) firstFrame() func() {
	framed := s.Framed
	if framed == nil {
		return nil
	}
	return func() {
		s.Framed = nil
		framed(s.Loop.Do)
	}
}

func (s *Setup) buttons(p *page) []item {
	l := s.l
	var items []item
	if p.back != nil {
		items = append(items, grow(newButton(l, plain, "Volver", "Esc", p.back).bigger(18, fyne.NewSize(120, 64))))
	}
	for _, t := range p.tools {
		items = append(items, grow(newButton(l, plain, t.words, "", func() { s.fail(t.do()) }).bigger(18, fyne.NewSize(120, 64))))
	}
	if p.next != nil {
		items = append(items, grow(newButton(l, primary, p.yes, "Enter", func() { s.fail(p.next()) }).bigger(18, fyne.NewSize(120, 64))))
	}
	return items
}

// draw makes a line, with what is said of it below.
func (s *Setup) draw(p *page, i int) fyne.CanvasObject {
	l, line := s.l, p.lines[i]
	line.note, line.offers = newText(l, 14, muted, cut), row(l.px(4))
	line.entry = newSetupEntry(s, i)
	line.entry.Password = line.secret
	line.entry.SetPlaceHolder(line.hint)
	line.entry.SetText(*line.into)
	line.entry.OnChanged = func(text string) {
		*line.into = strings.TrimSpace(text)
		s.problem.say("")
		s.tell(line)
	}
	s.tell(line)
	line.frame = newPanel(l, card, container.NewThemeOverride(line.entry, l.sized(18).filled())).edge(hairline, 2)
	items := []item{as(label(l, line.label)), as(line.frame)}
	switch {
	case line.live != nil:
		items = append(items, fixed(l.px(22), line.note))
	case line.from != nil:
		items = append(items, fixed(l.px(56), line.offers))
	}
	return col(l.px(4), items...)
}

// tell says what is known of a line while it is typed, and offers what it may become.
func (s *Setup) tell(line *setupLine) {
	if line.live != nil {
		said := line.live(*line.into)
		line.note.sayIn(said.words, said.colour)
	}
	if line.from == nil {
		return
	}
	var items []item
	for _, name := range line.offered() {
		items = append(items, as(newButton(s.l, quiet, filepath.Base(name), "", func() { line.entry.SetText(name); s.goTo(s.page.at) }).bigger(15, fyne.NewSize(56, 56))))
	}
	fresh := row(s.l.px(4), items...)
	line.offers.Objects, line.offers.Layout = fresh.Objects, fresh.Layout
	line.offers.Refresh()
}

// offered is what a line may become, unless it already is.
func (l *setupLine) offered() []string {
	if l.from == nil || *l.into == "" && !l.path {
		return nil
	}
	found := l.from(*l.into)
	if len(found) > 0 && found[0] == *l.into {
		return nil
	}
	return found
}

func (s *Setup) goTo(i int) {
	s.page.at = i
	s.win.Canvas().Focus(s.page.lines[i].entry)
}

// fail tells what was refused, where it can be mended.
func (s *Setup) fail(err error) {
	if err != nil {
		s.problem.sayIn(stopped(sentence(err.Error())), bad)
	}
}

// work does what takes long; meanwhile nothing can be pressed.
func (s *Setup) work(words string, act func() error, then func()) {
	p := s.page
	s.problem.sayIn(words, muted)
	waiting := &page{title: p.title, words: p.words}
	s.page = waiting
	s.Aside(func() {
		err := act()
		s.Loop.Do(func() {
			s.page = p
			if err != nil {
				s.fail(err)
				return
			}
			s.problem.say("")
			then()
		})
	})
}

// typed takes a pick by its number.
func (s *Setup) typed(r rune) {
	if i := int(r - '1'); i >= 0 && i < len(s.page.picks) {
		s.fail(s.page.picks[i].do())
	}
}

// key takes the keys that lead on and back.
func (s *Setup) key(name fyne.KeyName) {
	p := s.page
	switch {
	case name == fyne.KeyEscape && p.back != nil:
		p.back()
	case name != fyne.KeyReturn && name != fyne.KeyEnter:
	case len(p.lines) > 0 && *p.lines[p.at].into != "" && len(p.lines[p.at].offered()) > 0: // the best of what is offered
		p.lines[p.at].entry.SetText(p.lines[p.at].offered()[0])
		s.onward()
	default:
		s.onward()
	}
}

// onward goes to the next line, and from the last one to the next question.
func (s *Setup) onward() {
	p := s.page
	if p.at < len(p.lines)-1 {
		s.goTo(p.at + 1)
		return
	}
	if p.next != nil {
		s.fail(p.next())
	}
}

// setupEntry is an entry whose Enter and Escape are the assistant's; Tab and the arrows stay Fyne's.
type setupEntry struct {
	widget.Entry
	s *Setup
	i int
}

func newSetupEntry(s *Setup, i int) *setupEntry {
	e := &setupEntry{s: s, i: i}
	e.ExtendBaseWidget(e)
	return e
}

// FocusGained implements fyne.Focusable.
func (e *setupEntry) FocusGained() {
	e.s.page.at = e.i
	e.Entry.FocusGained()
}

// TypedKey implements fyne.Focusable.
func (e *setupEntry) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeyEscape:
		e.s.key(k.Name)
	default:
		e.Entry.TypedKey(k)
	}
}
