package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// world is a window with everything around it in memory, a clock that only the test moves, and a dispatcher that runs
// when told.
type world struct {
	t       *testing.T
	w       *Window
	counter *fakeCounter
	docs    *fakeDocuments
	now     time.Time
	timers  []pendingTimer
}

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

func newWorld(t *testing.T) *world { return newWorldWith(t, false, Look{}, products) }

func newWorldWith(t *testing.T, training bool, look Look, products []sale.Product) *world {
	x := &world{t: t, now: time.Date(2026, 3, 16, 12, 30, 0, 0, dte.Santiago)}
	x.docs = &fakeDocuments{}
	x.counter = &fakeCounter{Catalogue: sale.NewCatalogue(products), docs: x.docs, now: func() time.Time { return x.now }}
	x.counter.s = sale.Snapshot{Stage: sale.Selling, Selected: -1, Folios: 412, Training: training}
	x.counter.total()
	x.w = New(test.NewTempApp(t), Deps{
		Counter: x.counter, Documents: x.docs, Shop: "Almacén Doña Rosa", Caja: "CAJA1", Look: look,
		Now: func() time.Time { return x.now }, Loop: inline{},
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
		x.w.Fyne().Canvas().Focused().TypedRune(r)
	}
	x.pass(300 * time.Millisecond)
}

// burst types as a scanner does, without the Enter.
func (x *world) burst(code string) {
	for _, r := range code {
		x.pass(time.Millisecond)
		x.w.Fyne().Canvas().Focused().TypedRune(r)
	}
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
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			seen(c, visit)
		}
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			seen(c, visit)
		}
	}
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

// fakeDocuments keeps what the counter issued.
type fakeDocuments struct {
	list     []sale.DocumentInfo // newest first
	reprints []dte.Key
}

func (d *fakeDocuments) Documents(q sale.DocumentQuery) ([]sale.DocumentInfo, error) {
	return d.list[:min(len(d.list), q.Limit)], nil
}

func (d *fakeDocuments) Reprint(k dte.Key) error {
	d.reprints = append(d.reprints, k)
	return nil
}

// fakeCounter is a till in memory.
type fakeCounter struct {
	sale.Catalogue
	s      sale.Snapshot
	docs   *fakeDocuments
	now    func() time.Time
	folio  dte.Folio
	failed error // what the next gesture fails with
}

func (c *fakeCounter) fail() error {
	err := c.failed
	c.failed = nil
	return err
}

func (c *fakeCounter) Snapshot() sale.Snapshot {
	s := c.s
	s.Cart.Lines = slices.Clone(c.s.Cart.Lines)
	s.Payment.Tenders = slices.Clone(c.s.Payment.Tenders)
	return s
}

func (c *fakeCounter) total() {
	c.s.Total = 0
	exempt := len(c.s.Cart.Lines) > 0
	for i := range c.s.Cart.Lines {
		l := &c.s.Cart.Lines[i]
		l.Total, _ = l.Prc.Times(l.Qty)
		c.s.Total += l.Total
		exempt = exempt && l.Exento
	}
	if c.s.Tipo = c.s.Cart.Tipo; c.s.Tipo == 0 {
		c.s.Tipo = dte.Boleta
		if exempt {
			c.s.Tipo = dte.BoletaExenta
		}
	}
	c.s.Selected = min(c.s.Selected, len(c.s.Cart.Lines)-1)
}

func (c *fakeCounter) Scan(text string) (sale.Line, error) {
	if err := c.fail(); err != nil {
		return sale.Line{}, err
	}
	q, code := money.One, text
	if before, after, ok := strings.Cut(text, "*"); ok {
		var err error
		if q, err = money.ParseQty(before); err != nil {
			return sale.Line{}, err
		}
		code = after
	}
	p, ok := c.ByCode(code)
	if !ok {
		return sale.Line{}, fmt.Errorf("código %s: %w", code, sale.ErrNotFound)
	}
	return c.Add(p, q)
}

func (c *fakeCounter) Add(p sale.Product, q money.Qty) (sale.Line, error) {
	lines := c.s.Cart.Lines
	if n := len(lines); n > 0 && lines[n-1].Codigo == p.Codigo {
		lines[n-1].Qty += q
	} else {
		c.s.Cart.Lines = append(lines, sale.Line{Codigo: p.Codigo, Nombre: p.Nombre, Unidad: p.Unidad, Qty: q, Prc: p.Prc, Exento: p.Exento})
	}
	c.s.Selected = len(c.s.Cart.Lines) - 1
	c.total()
	return c.s.Cart.Lines[c.s.Selected], nil
}

func (c *fakeCounter) Select(i int) { c.s.Selected = max(0, min(i, len(c.s.Cart.Lines)-1)) }

func (c *fakeCounter) SetQty(q money.Qty) error {
	c.s.Cart.Lines[c.s.Selected].Qty = q
	c.total()
	return nil
}

func (c *fakeCounter) Bump(n int64) error {
	if c.s.Selected < 0 {
		return nil
	}
	l := &c.s.Cart.Lines[c.s.Selected]
	if l.Qty += money.Units(n); l.Qty <= 0 {
		return c.Remove()
	}
	c.total()
	return nil
}

func (c *fakeCounter) Remove() error {
	c.s.Cart.Lines = slices.Delete(c.s.Cart.Lines, c.s.Selected, c.s.Selected+1)
	c.total()
	return nil
}

func (c *fakeCounter) Void() error {
	c.s.Cart, c.s.Selected = sale.Cart{}, -1
	c.total()
	return nil
}

func (c *fakeCounter) SetReceptor(r dte.Receptor) error {
	c.s.Cart.Receptor = r
	return nil
}

func (c *fakeCounter) SetTipo(t dte.TipoDTE) error {
	c.s.Cart.Tipo = t
	c.total()
	return nil
}

func (c *fakeCounter) Charge() error {
	if err := c.fail(); err != nil {
		return err
	}
	if c.s.Folios == 0 {
		return fmt.Errorf("%w: pida folios", sale.ErrNoFolios)
	}
	if len(c.s.Cart.Lines) == 0 {
		return fmt.Errorf("no hay productos en la venta")
	}
	c.s.Stage, c.s.Payment = sale.Paying, sale.Payment{}
	c.s.Due, c.s.DueCash = c.s.Total, money.CashPayable(c.s.Total)
	return nil
}

func (c *fakeCounter) Back() { c.s.Stage, c.s.Payment, c.s.Due = sale.Selling, sale.Payment{}, 0 }

func (c *fakeCounter) Tender(m sale.Method, received money.Pesos, reference string) error {
	if m == sale.Efectivo {
		if received == 0 {
			received = c.s.DueCash
		}
		amount := received
		if received >= c.s.DueCash {
			amount = c.s.DueCash
			c.s.Payment.Rounding, c.s.Payment.Change = c.s.DueCash-c.s.Due, received-c.s.DueCash
			c.s.Due = 0
		} else {
			c.s.Due -= received
		}
		c.s.Payment.Tenders = append(c.s.Payment.Tenders, sale.Tender{Method: m, Amount: amount, Received: received})
	} else {
		if received == 0 {
			received = c.s.Due
		}
		if received > c.s.Due {
			return fmt.Errorf("con tarjeta no se paga más de lo que falta")
		}
		c.s.Due -= received
		c.s.Payment.Tenders = append(c.s.Payment.Tenders, sale.Tender{Method: m, Amount: received, Received: received, Reference: reference})
	}
	c.s.DueCash = money.CashPayable(c.s.Due)
	return nil
}

func (c *fakeCounter) Issue() (sale.Record, error) {
	if err := c.fail(); err != nil {
		return sale.Record{}, err
	}
	c.folio++
	r := sale.Record{
		At: c.now(), Caja: "CAJA1", Key: dte.Key{Emisor: 76543210, Tipo: c.s.Tipo, Folio: 1203 + c.folio}, Total: c.s.Total,
		Lines: c.s.Cart.Lines, Payment: c.s.Payment, Receptor: c.s.Cart.Receptor,
	}
	c.docs.list = slices.Insert(c.docs.list, 0, sale.DocumentInfo{Record: r, State: dte.Issued, Printed: 1})
	c.s.Last, c.s.Stage, c.s.Cart, c.s.Selected = &r, sale.Done, sale.Cart{}, -1
	c.s.Folios--
	if c.s.Shift.Open() {
		_ = c.s.Shift.Count(r)
	}
	c.total()
	return r, nil
}

func (c *fakeCounter) Next() { c.s.Stage = sale.Selling }

func (c *fakeCounter) OpenShift(float money.Pesos) (err error) {
	c.s.Shift, err = c.s.Shift.Start(c.now(), float)
	return err
}

func (c *fakeCounter) CloseShift(counted money.Pesos) (s sale.Shift, err error) {
	s, err = c.s.Shift.End(c.now(), counted)
	if err == nil {
		c.s.Shift = sale.Shift{}
	}
	return s, err
}
