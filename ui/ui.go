// Package ui is the till's window: screens, widgets, theme, keys and Spanish words.
//
// Owns: what the cashier sees and how gestures (keys, scans, taps) become calls of a Counter.
//
// Invariants: the window decides nothing; it draws the immutable sale.Snapshot and forwards gestures. A scanned code is
// never lost and never lands in a field for money. Everything runs on the window's goroutine; the only door for others
// is threads.go. Every path of a sale works with the keyboard alone.
//
// Imports sale, dte, money and Fyne, but not fyne.io/fyne/v2/app: its tests need neither cgo nor a screen. Never store,
// sync or a network.
package ui

import (
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	pricing "mostrador/sale/price"
)

// Counter is what the window asks of the till; sale.Register is one. All its methods are called from the window's
// goroutine. Errors are shown to the cashier as they are, so they say in Spanish what happened and what to do.
type Counter interface {
	Snapshot() sale.Snapshot
	Scan(text string) (sale.Line, error)
	// Create takes in a product that was made at the counter, and adds one of it.
	Create(p sale.Product) (sale.Line, error)
	Search(text string, limit int) []sale.Product
	Favourites() []sale.Product
	Categories() []sale.Category
	InCategory(name string, first, limit int) []sale.Product
	Variants(family string) []sale.Product
	// PreviewScale tells how a label would be read by a table that nobody uses yet; SetScale uses it.
	PreviewScale(rules sale.ScaleRules, code string) string
	SetScale(rules sale.ScaleRules)
	Add(p sale.Product, qty money.Qty) (sale.Line, error)
	Select(i int)
	SetQty(q money.Qty) error
	Bump(n int64) error
	Remove() error
	Void(reason string) error
	Hold(name string) error
	Held() ([]sale.Held, error)
	Recall(id sale.ID) error
	// PriceNews tells what a sale that was taken up would cost today; then one of the two is done.
	PriceNews() (sale.PriceNews, error)
	TakeNewPrices() error
	KeepPrices() error
	Choose(ch sale.Choice) error
	Quote(text string) (sale.Line, error)
	// Sheet is what the shop keeps of a product's price.
	Sheet(text string) (sale.Sheet, error)
	SetLineOff(off pricing.Off) error
	SetTicketOff(off pricing.Off) error
	SetPrice(prc money.Price, why string) error
	SetNote(text string) error
	OpenReturn(key dte.Key) (*sale.Returnable, sale.Return, error)
	PlanReturn(back sale.Return) (money.Pesos, sale.Payment, error)
	TakeBack(back sale.Return) (sale.Record, error)
	// BeginRefund and BeginExchangeRefund are what the terminal has to give back before TakeBack and SettleExchange; OpenReturns
	// are those of which it has, and that wait.
	BeginRefund(back sale.Return) (sale.CardBack, bool, error)
	BeginExchangeRefund(asVale bool, m sale.Means) (sale.CardBack, bool, error)
	OpenReturns() ([]sale.Return, error)
	SavedPDF(k dte.Key, file string) error
	// BeginExchange puts what comes back into the open sale; SettleExchange ends one in which the customer owes nothing.
	BeginExchange(back sale.Return) error
	// FindVouchers finds sales by voucher, which have no document.
	FindVouchers(text string, limit int) ([]sale.Record, error)
	PlanExchange(asVale bool, m sale.Means) (money.Pesos, sale.Payment, error)
	SettleExchange(asVale bool, m sale.Means) error
	// TakeBackWithout takes what is in the open sale back, of which nobody has the document.
	PlanWithout(asVale bool) (money.Pesos, sale.Payment, error)
	TakeBackWithout(reason string, asVale bool) error
	Works() []sale.Working
	// SetNews are the products and prices from the next sale on.
	SetNews(c sale.Catalogue, book *pricing.Book)
	Charge() error
	Back()
	Tender(m sale.Method, received money.Pesos, reference string) error
	Pay(t sale.Tender) error
	BeginCard(m sale.Method, amount money.Pesos) (ref string, ask money.Pesos, err error)
	TakeCards() error
	ReleaseCards(who, why string) error
	SetModelo(m sale.Modelo) error
	// What customers owe.
	Debts() ([]sale.Debt, error)
	Owed(rut dte.RUT) (sale.Debt, error)
	Debt(rut dte.RUT) (sale.Debt, []sale.Movement, error)
	PayDebt(a sale.Abono) (sale.Movement, error)
	SetCreditLimit(id sale.ID, rut dte.RUT, limit money.Pesos, who string) (sale.Movement, error)
	NewID() (sale.ID, error)
	Issue() (sale.Record, error)
	Next()
	// May asks for a right that the window needs by itself. Approve and Approved do what was refused with an ApprovalError.
	May(a sale.Ask) error
	Approvers(need sale.ApprovalError) []sale.Person
	Approve(need sale.ApprovalError, number int, pin string) error
	Approved(act func() error) error
	Lock() error
	Enter(number int, pin string) error
	People() []sale.Person
	SavePerson(p sale.Person, pin string) (sale.Person, error)
	Policy() sale.Policy
	SetPolicy(role sale.Role, g sale.Grants) error
	OpenDrawer(why string) (sale.CashMove, error)
	MoveCash(kind sale.CashKind, amount money.Pesos, why string) (sale.CashMove, error)
	OpenShift(float money.Pesos) error
	CloseShift(counted money.Pesos) (sale.Shift, error)
}

// Documents are the issued documents, newest first; store.Store is one. Its methods are called from the window's goroutine
// and must be quick: they read and write the till's own file. Only FindDocuments takes long, and has a goroutine of its own.
type Documents interface {
	sale.DocumentFinder
	Documents(q sale.DocumentQuery) ([]sale.DocumentInfo, error)
	// Reprint queues one more paper of a document, or its copy that can be ceded, for whoever is at the till.
	Reprint(key dte.Key, cedible bool, who string) (sale.PrintJob, error)
}

// Line is what is known of the connection.
type Line int

// The line at the start, and after the first attempts.
const (
	LineUnknown Line = iota
	LineUp
	LineDown
)

// Status is how things stand around the till. It is a plain value, given to Window.SetStatus.
type Status struct {
	Line  Line
	Since time.Time // when Line became so; zero if not known
	// LineProblem says in Spanish what keeps the line down and what to do, when that is known: a proxy, a wifi that wants
	// a login.
	LineProblem string
	// Waiting documents have no verdict of the SII; Oldest is when the first of them was issued.
	Waiting int
	Oldest  time.Time
	// PrinterProblem says in Spanish why the paper does not come; empty when all is well.
	PrinterProblem string
	// MailProblem says in Spanish what keeps all letters from leaving; empty when all is well.
	MailProblem string
	Server      Server
}

// Deps are what a Window works with.
type Deps struct {
	Counter   Counter
	Documents Documents
	Notices   Notices
	Scales    Scales // nil: no scales to set up here
	Office    Office
	Cards     Cards  // the card terminal; nil: the cashier types the operation's number
	Drawer    Drawer // nil: nothing opens it but its key
	Customers Customers
	Copies    Copies      // nil: only paper
	Server    Membership  // nil: this till is no server's and cannot become one
	Comunas   *sale.Names // of Chile, as the SII spells them
	Shop      string      // the shop's name, for the title
	Caja      string      // the till's code: "CAJA1"
	// Settings are as they were kept, by Keep; nil keeps nothing, for tests.
	Settings Settings
	Keep     func(Settings) error
	Sounds   Sounds // nil: silence
	// SerialProblem says in Spanish why the serial scanner is not heard; empty when it is. It may be nil.
	SerialProblem func() string
	// Machine tells what the diagnosis says of the program and the computer. It may be nil.
	Machine func() []Fact
	Now     func() time.Time
	// Framed is called once, while the window is painted for the first time: what the driver draws on is at hand then. do is
	// the window's Dispatcher. It may be nil.
	Framed func(do func(f func()))
	// Loop, After and Aside are for tests; nil takes Fyne's loop, the clock's timers and a goroutine for what takes long.
	Loop  Dispatcher
	After Timer
	Aside func(work func())
}

// Window is the till's window. Except for SetStatus, its methods belong to the goroutine of the Fyne application.
type Window struct {
	counter    Counter
	documents  Documents
	notices    Notices
	scales     Scales
	office     Office
	cards      Cards
	goingBack  *payback // what waits for the terminal to give money back; nil: nothing
	drawer     Drawer
	shop       string
	touched    time.Time // the last gesture
	customers  Customers
	copies     Copies
	membership Membership
	comunas    *sale.Names
	caja       string
	room       fyne.Size // of the window, when it was last laid out
	now        func() time.Time
	loop       Dispatcher
	after      Timer
	mail       mailbox
	status     Status
	alarms     []sale.Alarm // as of looked
	looked     time.Time
	runAside   func(work func())
	answer     string // the file that was last loaded as the SII's answer
	// showReconciliation goes to the screen that adds a month up.
	showReconciliation func()
	// showNotices goes to the screen of alarms and contingencies.
	showNotices func()
	settings    Settings
	keep        func(Settings) error
	sounds      Sounds
	serial      func() string
	machine     func() []Fact
	probe       *probe
	app         fyne.App
	l           *look
	win         fyne.Window

	s       sale.Snapshot // the last picture; between gestures nothing changes it
	screens map[place]screen
	visited place // documents, notices or shift while the cashier looks there; "" is the sale, at its stage
	dialog  dialog
	frame   *frame
	sink    *field
	moving  bool // the focus is being moved by us
	padUp   bool // the keypad is on the screen

	// Scans: the burst in progress, where it is typed, and codes that wait until the sale can take them.
	burst     reader
	burstIn   *field
	burstOver dialog // the one that was open when it began
	held      []rune // of the burst, not yet in the field
	burstNo   int
	signed    bool // what is held begins with a sign on an empty field
	piece     bool // the last burst may be the beginning of a code
	late      bool // the next Enter is the scanner's own
	lateNo    int
	waiting   []string
	byHand    []string // those among them whose quantity was typed
	unknown   unknown

	// A held Enter repeats itself; only its first stroke counts, or it would run through a whole payment.
	enterHeld, enterUsed bool
}

// place names a screen.
type place string

const (
	selling    place = "selling"
	paying     place = "paying"
	done       place = "done"
	documents  place = "documents"
	notices    place = "notices"
	shiftPlace place = "shift"

	reconciling place = "reconcile"
	founding    place = "setup" // the assistant's window, which has no other
)

// screen is what fills the middle of the window, with what the shared parts (field, big button, keys) do on it.
type screen interface {
	object() fyne.CanvasObject
	render(s sale.Snapshot)
	prompt(s sale.Snapshot) string
	main(s sale.Snapshot) mainAction
	keys() []binding
	// enter is Enter with what stands in the field; edited follows every change of it; move takes the arrows; back is
	// Escape on an empty field.
	enter(text string)
	edited(text string)
	move(key fyne.KeyName) bool
	back()
}

// mainAction is the big button at the bottom right.
type mainAction struct {
	words, keycap string
	usable        bool
	do            func()
}

// New makes the window of the till; it is shown by ShowAndRun. It sets app's theme and what happens when app comes to
// the foreground.
func New(app fyne.App, d Deps) *Window {
	s := d.Counter.Snapshot()
	w := &Window{
		counter: d.Counter, documents: d.Documents, notices: d.Notices, scales: d.Scales, office: d.Office, cards: d.Cards, drawer: d.Drawer, shop: d.Shop, touched: d.Now(), customers: d.Customers, copies: d.Copies, membership: d.Server, comunas: d.Comunas, caja: d.Caja, now: d.Now, loop: d.Loop, after: d.After,
		runAside: d.Aside,
		settings: d.Settings, keep: d.Keep, sounds: d.Sounds, serial: d.SerialProblem, machine: d.Machine, app: app, s: s,
	}
	w.fillIn()
	if d.Framed != nil {
		w.probe.framed = func() { d.Framed(w.loop.Do) }
	}
	w.padUp = w.settings.Pad
	w.win = app.NewWindow(title(d.Shop, s.Training))
	w.win.SetPadded(false)
	w.win.SetMaster()
	w.build()
	_ = w.lookAround()                                                  // an alarm that cannot be read is told where alarms are
	w.win.Resize(fyne.NewSize(1280, 800).Max(needs(w.chosenPercent()))) // a screen that is smaller makes it smaller, and refit follows
	w.catchStrayKeys(app)
	w.render()
	w.focus(w.sink)
	if w.keepLocked(); !w.s.Locked {
		w.leftBehind()
	}
	return w
}

// fillIn takes the real thing for what was left out.
func (w *Window) fillIn() {
	if w.loop == nil {
		w.loop = newFyneLoop(w.app)
	}
	if w.after == nil {
		w.after = timerOn(w.loop)
	}
	if w.runAside == nil {
		w.runAside = newGoroutine
	}
	if w.keep == nil {
		w.keep = func(Settings) error { return nil }
	}
	w.probe = newProbe(w.now, w.loop)
	if w.machine == nil {
		w.machine = func() []Fact { return nil }
	}
	if w.serial == nil {
		w.serial = func() string { return "" }
	}
	if w.sounds == nil {
		w.sounds = mute{}
	}
}

// build makes all that is drawn, with the look that the settings say. What the screens show is read from the Counter
// again, so that a look can be changed in the middle of a sale.
func (w *Window) build() {
	w.l = newLook(w.shownLook(), w.s.Training)
	w.app.Settings().SetTheme(w.l)
	typed := ""
	if w.sink != nil {
		typed = w.sink.Text
	}
	w.frame = nil
	w.dialog = nil
	w.sink = newField(w, "")
	w.sink.write(typed)
	news := newNoticesScreen(w)
	w.showNotices = news.show
	office := newReconcileScreen(w)
	w.showReconciliation = office.show
	w.screens = map[place]screen{
		selling: newSellScreen(w), paying: newPayScreen(w), done: newDoneScreen(w), documents: newDocumentsScreen(w),
		notices: news, reconciling: office, shiftPlace: newShiftScreen(w),
	}
	w.frame = newFrame(w, w.s.Training)
	w.win.SetContent(&fyne.Container{Layout: roomy{w}, Objects: []fyne.CanvasObject{w.frame.root}})
}

func title(shop string, training bool) string {
	if training {
		return shop + " · Mostrador · CAPACITACIÓN"
	}
	return shop + " · Mostrador"
}

// catchStrayKeys brings the focus home: after a tap on nothing, or another program, the next key must not be lost.
func (w *Window) catchStrayKeys(app fyne.App) {
	c := w.win.Canvas()
	c.SetOnTypedRune(func(r rune) { w.refocus(); w.typedRune(w.focused(), r) })
	c.SetOnTypedKey(func(k *fyne.KeyEvent) { w.refocus(); w.focused().TypedKey(k) })
	app.Lifecycle().SetOnEnteredForeground(func() { w.refocus() })
}

// ShowAndRun shows the window and runs the application until it ends.
func (w *Window) ShowAndRun() {
	w.tick()
	w.win.ShowAndRun()
	w.End()
}

// Show shows the window of an application that runs already. Who runs it calls End when it has ended.
func (w *Window) Show() {
	w.tick()
	w.win.Show()
}

// End says that the application has ended: what other goroutines still want of the window is not done any more.
func (w *Window) End() {
	if loop, ok := w.loop.(*fyneLoop); ok {
		loop.ended.Store(true)
	}
}

// Fyne is the window for those who must close, resize or capture it.
func (w *Window) Fyne() fyne.Window { return w.win }

// tick draws the strip again now and then: ages grow and the clock moves by themselves.
func (w *Window) tick() {
	w.s = w.counter.Snapshot() // folios may expire at midnight
	if w.now().Sub(w.looked) >= lookEvery {
		_ = w.lookAround()
	}
	w.frame.strip.render(w.s)
	if d, ok := w.dialog.(*pinDialog); ok {
		d.render() // its clock
	}
	w.lockIdle()
	w.after(10*time.Second, w.tick)
}

// place is where the cashier is.
func (w *Window) place() place {
	switch {
	case w.visited != "":
		return w.visited
	case w.s.Stage == sale.Paying:
		return paying
	case w.s.Stage == sale.Done:
		return done
	}
	return selling
}

func (w *Window) screen() screen { return w.screens[w.place()] }

// render draws what the Counter says now.
func (w *Window) render() {
	w.s = w.counter.Snapshot()
	w.draw()
}

func (w *Window) draw() {
	s, at := w.s, w.place()
	for name, screen := range w.screens {
		setVisible(screen.object(), name == at)
	}
	w.screens[at].render(s)
	w.frame.render(s, at, w.screens[at])
	if w.dialog != nil {
		w.dialog.render()
	}
	w.probe.rendered()
}

// setVisible shows or hides o; Fyne draws again even if nothing changed.
func setVisible(o fyne.CanvasObject, visible bool) {
	switch {
	case visible == o.Visible():
	case visible:
		o.Show()
	default:
		o.Hide()
	}
}

// visit goes to a screen beside the sale; "" comes back.
func (w *Window) visit(p place) {
	w.visited = p
	w.sink.write("")
	w.settle(nil)
}

// settle ends a gesture: an error is shown, what changed is drawn, codes that waited are taken, and the field owns the
// typing again.
func (w *Window) settle(err error) {
	if err != nil {
		w.frame.banner.tell(bad, err.Error())
	} else {
		w.frame.banner.hide()
	}
	w.s = w.counter.Snapshot()
	if w.takeWaiting() {
		w.s = w.counter.Snapshot()
	}
	w.leaveUnknown()
	w.touched = w.now()
	w.draw()
	w.refocus()
	w.keepLocked()
	w.refit()
}

// say shows a message that is not an error, after the gesture is settled.
func (w *Window) say(colour fyne.ThemeColorName, words string) {
	w.settle(nil)
	w.frame.banner.tell(colour, words)
}

// focus gives the typing to a field.
func (w *Window) focus(f *field) {
	if w.win.Canvas().Focused() != fyne.Focusable(f) {
		w.moving = true
		w.win.Canvas().Focus(f)
		w.moving = false
	}
}

// lostFocus brings it home: a finger on what takes no focus took it away.
func (w *Window) lostFocus() {
	if !w.moving {
		w.loop.Do(w.refocus)
	}
}

func (w *Window) refocus() { w.focus(w.focused()) }

// focused is the field that should have the typing: the dialog's, or else the one at the top.
func (w *Window) focused() *field {
	if w.dialog != nil {
		if f := w.dialog.field(); f != nil {
			return f
		}
	}
	return w.sink
}
